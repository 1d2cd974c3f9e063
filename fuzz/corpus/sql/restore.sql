RESTORE LABELONLY FROM DISK = N'D:\Spatial Cloud\CITY\Database\IntraMapsSpatialCloud.bak'
RESTORE HEADERONLY FROM DISK = N'D:\Spatial Cloud\CITY\Database\IntraMapsSpatialCloud.bak' WITH NOUNLOAD
RESTORE FILELISTONLY FROM DISK = '/var/opt/mssql/upload/city/intramapsspatialcloud.bak' WITH FILE = 1
RESTORE VERIFYONLY FROM DISK = 'CITY/Database/IntraMapsSpatialCloud.bak' WITH CHECKSUM
RESTORE HEADERONLY FROM DISK = 'Database/two.bak'
RESTORE HEADERONLY FROM DISK = 'Database/two.bak' WITH FILE = 2
RESTORE VERIFYONLY FROM DISK = 'SHIRE/inbox/Database/waiting.bak'
RESTORE VERIFYONLY FROM DISK = 'SHIRE/Database/waiting.bak'
RESTORE HEADERONLY FROM DISK = 'nowhere.bak'
RESTORE HEADERONLY FROM DISK = 'SHIRE/Database/cut.bak'
RESTORE HEADERONLY FROM DISK = 'CITY/../SHIRE/Database/cut.bak'
RESTORE HEADERONLY FROM DISK = '/etc/passwd'
RESTORE HEADERONLY FROM DISK = '/var/opt/mssql/backup/x.bak'
RESTORE HEADERONLY FROM TAPE = 'x'
