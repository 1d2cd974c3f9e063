"""What every Python client is asked: `python COMMON CLIENT HOST PORT USER PASSWORD MODE`. Prints one line a finding."""

import datetime
import decimal
import sys


def show(value):
    """A value as all clients' tests expect it, whichever Python type the client makes of it."""
    if value is None or isinstance(value, (bool, int)):
        return repr(int(value) if isinstance(value, bool) else value)
    if isinstance(value, decimal.Decimal):
        return "d" + format(value.normalize(), "f")
    if isinstance(value, float):
        return "f" + repr(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value)
        return "b" + (value.hex() if len(value) < 20 else "%d bytes" % len(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    text = str(value)
    return repr(text) if len(text) < 100 else "%d of %r" % (len(text), text[0])


def rows(cursor):
    return "; ".join(", ".join(show(value) for value in row) for row in cursor.fetchall())


def ask(connect, mark, number_of, without=()):
    """Runs the script. `mark` stands for a parameter; `number_of` gives an error's number; the client has no values
    of the types of the columns in `without`."""
    connection = connect("types")
    cursor = connection.cursor()

    cursor.execute("SELECT 1 AS one, N'Zoë' AS name, CAST(NULL AS int) AS nothing")
    print("constants:", [column[0] for column in cursor.description], rows(cursor))

    cursor.execute("SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'types' ORDER BY ORDINAL_POSITION")
    wanted = [row[0] for row in cursor.fetchall() if row[0] not in without]
    cursor.execute("SELECT %s FROM dbo.types ORDER BY id" % (", ".join(wanted) if without else "*"))
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        for name, value in zip(names, row):
            print("type:", name, show(value))

    cursor.execute("SELECT COUNT(*), MIN(n), MAX(n), SUM(CAST(n AS bigint)) FROM many")
    print("aggregates:", rows(cursor))
    cursor.execute("SELECT n, name FROM many")
    many = cursor.fetchall()
    print("many:", len(many), show(many[0][1]), show(many[-1][0]), show(many[-1][1]))

    query = "SELECT n, name FROM many WHERE n = %s AND name LIKE %s OR n BETWEEN 3 AND 4 ORDER BY n DESC"
    for number, pattern in ((7, "row%"), (8, "nothing")):
        cursor.execute(query % (mark, mark), (number, pattern))
        print("parameters:", rows(cursor))

    try:
        cursor.execute("SELECT nothing FROM types")
        cursor.fetchall()
        print("error: none")
    except Exception as error:
        print("error:", number_of(error), "nothing" in str(error))
    try:
        cursor.execute("GRANT SELECT ON types TO public")
        print("refused: none")
    except Exception as error:
        print("refused:", number_of(error), "GRANT" in str(error))

    cursor.execute("SELECT DB_NAME(), SUSER_SNAME()")
    print("session:", rows(cursor))
    connection.commit()
    cursor.execute("SELECT 1")
    cursor.fetchall()
    connection.rollback()
    connection.close()

    connection = connect("CITY")
    cursor = connection.cursor()
    cursor.execute(
        "SELECT t.name, c.name, c.max_length FROM sys.tables t JOIN sys.columns c ON c.object_id = t.object_id"
        " WHERE t.name = 'hydrants' ORDER BY c.column_id"
    )
    print("catalog:", rows(cursor))
    shape = [row[0] for row in shapes(cursor)]
    print("shapes:", len(shape), shape[0].split(" ")[0])
    connection.close()


def shapes(cursor):
    cursor.execute("SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'hydrants' AND DATA_TYPE IN ('geometry', 'geography')")
    column = cursor.fetchall()[0][0]
    cursor.execute("SELECT h.[%s].STAsText() FROM dbo.hydrants AS h" % column)
    return cursor.fetchall()


def pymssql(host, port, user, password, mode):
    import pymssql as library

    # FreeTDS: `off` protects the login, `require` all.
    settings = {"encryption": mode} if mode != "default" else {}

    def connect(database):
        return library.connect(host, user, password, database, port=port, login_timeout=10, timeout=20, **settings)

    ask(connect, "%s", lambda error: error.args[0])


def python_tds(host, port, user, password, mode):
    import pytds as library

    if mode != "plain":
        raise SystemExit("python-tds is asked without TLS only")

    def connect(database):
        return library.connect(host, database, user, password, port=port, login_timeout=10, timeout=20)

    ask(connect, "%s", lambda error: getattr(error, "number", None))


def mssql_python(host, port, user, password, mode):
    import mssql_python as library

    def connect(database):
        return library.connect(
            f"Server={host},{port};Database={database};UID={user};PWD={password};Encrypt={mode};TrustServerCertificate=yes;"
        )

    ask(connect, "?", number_in_words)


def pyodbc(host, port, user, password, mode):
    import pyodbc as library

    def connect(database):
        return library.connect(
            f"DRIVER={sys.argv[7]};SERVER={host};PORT={port};UID={user};PWD={password};DATABASE={database};TDS_Version=7.4;Encryption={mode}",
            timeout=10,
        )

    ask(connect, "?", number_in_words, without=("a_datetimeoffset", "a_variant"))


def number_in_words(error):
    """ODBC has SQLSTATE; the number stands in brackets, or nowhere."""
    words = str(error)
    for number in (207, 60001):
        if str(number) in words:
            return number
    return {"Invalid column name": 207, "does not serve": 60001}.get(
        next((known for known in ("Invalid column name", "does not serve") if known in words), None)
    )


if __name__ == "__main__":
    name, host, port, user, password, mode = sys.argv[1:7]
    globals()[name.replace("-", "_")](host, int(port), user, password, mode)
