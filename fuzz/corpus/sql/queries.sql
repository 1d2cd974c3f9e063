SELECT name, database_id FROM sys.databases ORDER BY database_id
SELECT name FROM tonight.sys.tables ORDER BY name
SELECT COUNT(*) FROM tonight.dbo.parcels
SELECT COUNT(*) FROM tonight.dbo.roads new JOIN CITY.dbo.roads old ON new.id = old.id
SELECT FilePath, FileName, TableName FROM tonight.dbo.ogr_metadata
SELECT TOP 1 id, location.STSrid, location.STAsText() FROM tonight..hydrants ORDER BY id
SELECT COUNT(*) FROM CITY.dbo.ogr_metadata
SELECT name FROM sys.databases
SELECT COUNT(*) FROM another.dbo.roads
SELECT COUNT(*) FROM another.dbo.roads
SELECT * FROM tonight.dbo.roads
SELECT * FROM things ORDER BY id
SELECT COUNT(*) FROM things
SELECT id + 0 AS id, name, weight * 2 AS double INTO heavy FROM things WHERE weight IS NOT NULL
