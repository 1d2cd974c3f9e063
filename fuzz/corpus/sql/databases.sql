RESTORE DATABASE [tonight] FROM DISK = N'D:\Spatial Cloud\CITY\Database\IntraMapsSpatialCloud.bak' WITH MOVE N'IntraMapsSpatialCloud' TO N'/var/opt/mssql/data/tonight.mdf', MOVE 'IntraMapsSpatialCloud_log' TO '/var/opt/mssql/data/tonight.ldf', STATS = 25, CHECKSUM
RESTORE DATABASE tonight FROM DISK = 'CITY/Database/two.bak' WITH REPLACE
USE master; RESTORE DATABASE tonight FROM DISK = 'CITY/Database/two.bak'
RESTORE DATABASE Tonight FROM DISK = 'CITY/Database/two.bak' WITH FILE = 2, REPLACE
RESTORE DATABASE another FROM DISK = 'CITY/Database/two.bak' WITH STATS
RESTORE DATABASE another FROM DISK = 'CITY/Database/two.bak' WITH MOVE 'nope' TO '/x/z.mdf'
RESTORE DATABASE another FROM DISK = 'CITY/Database/two.bak' WITH MOVE 'IntraMapsSpatialCloud' TO '/x/z', MOVE 'IntraMapsSpatialCloud_log' TO '/x/Z'
RESTORE DATABASE another FROM DISK = 'CITY/Database/stripe2.bak', DISK = 'CITY/Database/stripe1.bak' WITH MOVE 'IntraMapsSpatialCloud' TO '/x/a.mdf', MOVE 'IntraMapsSpatialCloud_log' TO '/x/a.ldf'
RESTORE DATABASE another FROM DISK = 'CITY/Database/stripe1.bak' WITH REPLACE
RESTORE DATABASE another FROM DISK = 'CITY/Database/newer.bak' WITH REPLACE
RESTORE DATABASE another FROM DISK = 'CITY/Database/differential.bak' WITH REPLACE
RESTORE DATABASE another FROM DISK = 'CITY/Database/log.bak' WITH REPLACE
RESTORE DATABASE another FROM DISK = 'CITY/Database/row.bak' WITH REPLACE, MOVE 'IntraMapsSpatialCloud' TO '/x/a.mdf', MOVE 'IntraMapsSpatialCloud_log' TO '/x/a.ldf'
RESTORE DATABASE another FROM DISK = 'CITY/Database/page.bak' WITH REPLACE
