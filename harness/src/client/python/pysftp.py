# One SFTP operation with pysftp.
import warnings

warnings.simplefilter("ignore")
import pysftp


def perform():
    # pysftp looks hosts up by name alone, without the port.
    with open("known_hosts.pysftp", "w", encoding="utf-8") as known:
        known.write(f"{LOGIN['host']} {LOGIN['host_key']}\n")
    options = pysftp.CnOpts(knownhosts="known_hosts.pysftp")
    how = {"password": LOGIN["password"]} if LOGIN["password"] else {"private_key": LOGIN["private_key"]}
    with pysftp.Connection(
        LOGIN["host"], username=LOGIN["user"], port=LOGIN["port"], cnopts=options, **how
    ) as sftp:
        act(sftp)


def act(sftp):
    kind = DO["kind"]
    if kind == "connect":
        print(sftp.pwd)
    elif kind == "upload":
        sftp.put(DO["local"], DO["remote"], preserve_mtime=DO["preserve_times"], **keywords())
    elif kind == "download":
        sftp.get(DO["remote"], DO["local"])
    elif kind == "list":
        print("\n".join(sftp.listdir(DO["path"])))
    elif kind == "rename":
        sftp.rename(DO["from"], DO["to"])
    elif kind == "remove":
        sftp.remove(DO["path"])
    elif kind == "make-directory":
        sftp.mkdir(DO["path"])
    elif kind == "remove-directory":
        sftp.rmdir(DO["path"])
    elif kind == "set-times":
        sftp.sftp_client.utime(DO["path"], (DO["modified"], DO["modified"]))


serve(perform)
