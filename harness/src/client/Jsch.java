// One SFTP operation with JSch, described by the arguments: login first, then the operation's own words.

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.Session;
import com.jcraft.jsch.SftpException;
import java.util.Vector;

public class Jsch {
    public static void main(String[] words) {
        try {
            perform(words);
        } catch (SftpException error) {
            System.err.println("SftpException " + error.id + ": " + error.getMessage());
            System.exit(1);
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
        // The session's thread would keep the program alive.
        System.exit(0);
    }

    private static void perform(String[] words) throws Exception {
        JSch jsch = new JSch();
        jsch.setKnownHosts(words[4]);
        if (words[5].isEmpty()) {
            jsch.addIdentity(words[3]);
        }
        Session session = jsch.getSession(words[2], words[0], Integer.parseInt(words[1]));
        session.setConfig("StrictHostKeyChecking", "yes");
        session.setConfig("PreferredAuthentications", words[5].isEmpty() ? "publickey" : "password");
        if (!words[5].isEmpty()) {
            session.setPassword(words[5]);
        }
        session.connect(15000);
        ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
        sftp.connect(15000);
        act(sftp, words);
        sftp.exit();
        session.disconnect();
    }

    private static void act(ChannelSftp sftp, String[] words) throws SftpException {
        switch (words[6]) {
            case "connect" -> System.out.println(sftp.pwd());
            case "upload" -> sftp.put(words[7], words[8], ChannelSftp.OVERWRITE);
            case "resume" -> sftp.put(words[7], words[8], ChannelSftp.RESUME);
            case "download" -> sftp.get(words[7], words[8]);
            case "list" -> {
                Vector<?> found = sftp.ls(words[7]);
                for (Object entry : found) {
                    String name = ((ChannelSftp.LsEntry) entry).getFilename();
                    if (!name.equals(".") && !name.equals("..")) {
                        System.out.println(name);
                    }
                }
            }
            case "rename" -> sftp.rename(words[7], words[8]);
            case "remove" -> sftp.rm(words[7]);
            case "make-directory" -> sftp.mkdir(words[7]);
            case "remove-directory" -> sftp.rmdir(words[7]);
            case "set-times" -> sftp.setMtime(words[7], Integer.parseInt(words[8]));
            default -> throw new IllegalArgumentException(words[6]);
        }
        if (words[6].equals("upload") && words.length > 9) {
            sftp.setMtime(words[8], Integer.parseInt(words[9]));
        }
    }
}
