INSERT INTO things (name, weight, code) VALUES ('one', 1.5, 'a'), (N'two', NULL, 'b'); SELECT @@ROWCOUNT
INSERT things VALUES ('three', 3, '2026-03-02T10:11:12.345', 'c')
INSERT things (id, name) VALUES (9, 'nine')
SET IDENTITY_INSERT dbo.things ON; INSERT things (id, name) VALUES (9, 'nine'); SET IDENTITY_INSERT dbo.things OFF; INSERT things (name, code) VALUES ('ten', 'd'); SELECT id, name FROM things
INSERT things (name, code) VALUES ('again', 'A')
INSERT things (name) VALUES (NULL)
INSERT things (name, code) VALUES ('much too long a name', 'e')
INSERT things (name) SELECT 'x', 'y'
INSERT things (nothing) VALUES (1)
INSERT nothing VALUES (1)
SELECT id + 0 AS id, name, weight * 2 AS double INTO heavy FROM things WHERE weight IS NOT NULL
SELECT id INTO heavy FROM things
SELECT id, id INTO twice FROM things
SELECT COUNT(*) INTO unnamed FROM things
