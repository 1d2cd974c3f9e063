CREATE TABLE dbo.things (id int IDENTITY(1,1) NOT NULL CONSTRAINT PK_things PRIMARY KEY CLUSTERED, name nvarchar(10) NOT NULL, weight decimal(8,2) NULL, seen datetime2(3), code varchar(4), UNIQUE (code))
CREATE TABLE heavy (id int)
CREATE TABLE odd (id int DEFAULT 1)
CREATE TABLE odd (id int, ID int)
ALTER TABLE heavy ADD CONSTRAINT PK_heavy PRIMARY KEY (id)
ALTER TABLE heavy DROP CONSTRAINT PK_heavy; INSERT heavy VALUES (1, 'b', 2); ALTER TABLE heavy ADD CONSTRAINT PK_heavy PRIMARY KEY (id)
CREATE UNIQUE NONCLUSTERED INDEX by_name ON dbo.heavy (name DESC) INCLUDE (id) WITH (FILLFACTOR = 90) ON [PRIMARY]; CREATE INDEX by_id ON heavy (id)
CREATE UNIQUE INDEX by_number ON heavy (id)
DROP INDEX by_id ON heavy; EXEC sp_rename 'dbo.heavy', 'light'; EXEC sp_rename 'light.name', 'called', 'COLUMN'
EXEC sp_rename 'nothing', 'x'
USE master; CREATE TABLE here (id int)
BEGIN TRANSACTION; DROP TABLE IF EXISTS CITY.dbo.parcels; SELECT * INTO CITY.dbo.parcels FROM tonight.dbo.parcels; ALTER TABLE CITY.dbo.parcels ADD CONSTRAINT PK_parcels PRIMARY KEY CLUSTERED (id); DROP TABLE CITY.dbo.roads
CREATE SPATIAL INDEX [si] ON [gis].[roads] ([shape]) USING GEOMETRY_AUTO_GRID WITH (BOUNDING_BOX = (0.0, -1.5, 20000000.0, 4.0))
SELECT LEN('ab '), UPPER(N'zoë'), LEFT('hello', 2), RIGHT('hello', 3), SUBSTRING('hello', 2, 3), REPLACE('aXbX', 'X', '-'), CHARINDEX('l', 'hello'), CONCAT('a', NULL, 1)
