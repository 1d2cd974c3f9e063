//! tiberius, in all its modes of encryption; TDS 8.0 among them.

use libtest_mimic::Failed;
use spatialcloud_simulator::config::{SqlConfig, SqlEncryption};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Query};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use crate::Visit;
use crate::memory::MANY;
use crate::server::Server;

pub type Connection = Client<Compat<TcpStream>>;

/// All of them.
pub fn visits() -> Vec<Visit> {
    let modes = [
        ("not supported", EncryptionLevel::NotSupported),
        ("off", EncryptionLevel::Off),
        ("on", EncryptionLevel::On),
        ("required", EncryptionLevel::Required),
        ("strict", EncryptionLevel::Strict),
    ];
    let visit = |title: String, make: fn(EncryptionLevel) -> Result<(), Failed>, level| Visit {
        title,
        missing: None,
        make: Box::new(move || make(level)),
    };
    let mut visits: Vec<Visit> =
        modes.into_iter().map(|(name, level)| visit(format!("tiberius: {name}"), script, level)).collect();
    visits.push(visit("tiberius: refusals".to_owned(), refusals, EncryptionLevel::Off));
    visits.push(visit(
        "tiberius: a server that demands TLS".to_owned(),
        forced,
        EncryptionLevel::NotSupported,
    ));
    visits.push(visit("tiberius: an answer that is given up".to_owned(), given_up, EncryptionLevel::On));
    visits
}

pub async fn connect(
    server: &Server,
    level: EncryptionLevel,
    database: &str,
    password: &str,
) -> Result<Connection, Failed> {
    let [host, _, user, _] = server.login();
    let mut config = Config::new();
    config.host(&host);
    config.port(server.port());
    config.database(database);
    config.authentication(AuthMethod::sql_server(&user, password));
    config.encryption(level);
    config.trust_cert();
    let stream = TcpStream::connect((host.as_str(), server.port())).await?;
    stream.set_nodelay(true)?;
    Ok(Client::connect(config, stream.compat_write()).await?)
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), Failed> {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {got:?}").into()) }
}

fn script(level: EncryptionLevel) -> Result<(), Failed> {
    let server = Server::start(SqlConfig::default())?;
    server.runtime.block_on(async {
        let [.., password] = server.login();
        let mut client = connect(&server, level, "types", &password).await?;
        let row = client.simple_query("SELECT @@VERSION AS version, 7 AS seven").await?.into_row().await?;
        let row = row.ok_or("no row")?;
        let version: &str = row.get("version").ok_or("no version")?;
        expect("what it says it is", version.contains("stand-in"), true)?;
        expect("seven", row.get::<i32, _>("seven"), Some(7))?;

        let mut query = Query::new("SELECT n, name FROM dbo.many WHERE n > @P1 AND name LIKE @P2 ORDER BY n");
        query.bind(MANY as i32 - 2);
        query.bind("%many");
        let rows = query.query(&mut client).await?.into_first_result().await?;
        let numbers: Vec<_> = rows.iter().filter_map(|row| row.get::<i32, _>(0)).collect();
        expect("rows", numbers, vec![MANY as i32 - 1, MANY as i32])?;

        let all = client.simple_query("SELECT * FROM many").await?.into_first_result().await?;
        expect("all rows", all.len(), MANY as usize)?;
        let two =
            client.simple_query("SELECT 1 AS a SELECT 'x' AS b, NULL AS c").await?.into_results().await?;
        expect("results", two.iter().map(Vec::len).collect(), vec![1, 1])?;
        let types =
            client.simple_query("SELECT * FROM dbo.types WHERE an_int = 70000").await?.into_row().await?;
        let types = types.ok_or("no row of types")?;
        expect("nvarchar", types.get::<&str, _>("an_nvarchar"), Some("Zoë 語"))?;
        expect("varbinary(max)", types.get::<&[u8], _>("a_varbinary_max").map(<[u8]>::len), Some(9000))?;
        Ok(())
    })
}

fn refusals(level: EncryptionLevel) -> Result<(), Failed> {
    let server = Server::start(SqlConfig::default())?;
    server.runtime.block_on(async {
        let [.., password] = server.login();
        let code = |result: Result<Connection, Failed>| match result {
            Ok(_) => "a connection".to_owned(),
            Err(failed) => failed.message().unwrap_or_default().to_owned(),
        };
        let wrong = code(connect(&server, level, "types", "wrong").await);
        expect(&wrong, wrong.contains("Login failed for user 'sa'"), true)?;
        let nowhere = code(connect(&server, level, "nowhere", &password).await);
        expect(&nowhere, nowhere.contains("Cannot open database \"nowhere\""), true)?;

        let mut client = connect(&server, level, "types", &password).await?;
        for (sql, number) in [
            ("SELECT nothing FROM types", 207),
            ("SELECT * FROM nothing", 208),
            ("SELECT 1 / 0", 8134),
            ("SELECT CAST('x' AS int)", 245),
            ("SELEC 1", 2812),
            ("SELECT (1", 102),
            ("USE nothing", 911),
            ("COMMIT", 3902),
            ("INSERT types VALUES (1)", 60_001),
            ("RESTORE HEADERONLY FROM DISK = 'x'", 60_001),
        ] {
            let answered = match client.simple_query(sql).await {
                Ok(stream) => stream.into_results().await.map(drop),
                Err(error) => Err(error),
            };
            let got = answered.err().and_then(|error| error.code());
            expect(sql, got, Some(number))?;
        }
        // After all of that the connection is sound.
        let row = client.simple_query("SELECT 7").await?.into_row().await?;
        expect("seven", row.and_then(|row| row.get::<i32, _>(0)), Some(7))
    })
}

fn forced(level: EncryptionLevel) -> Result<(), Failed> {
    let server = Server::start(SqlConfig { encryption: SqlEncryption::Forced, ..SqlConfig::default() })?;
    server.runtime.block_on(async {
        let [.., password] = server.login();
        expect("plain", connect(&server, level, "types", &password).await.is_ok(), false)?;
        expect("encrypted", connect(&server, EncryptionLevel::On, "types", &password).await.is_ok(), true)
    })
}

/// A client that goes away in the middle of a long answer leaves a server that serves others.
fn given_up(level: EncryptionLevel) -> Result<(), Failed> {
    let server = Server::start(SqlConfig::default())?;
    server.runtime.block_on(async {
        let [.., password] = server.login();
        let mut client = connect(&server, level, "types", &password).await?;
        let stream = client.simple_query("SELECT a.n FROM many a JOIN many b ON a.n <> b.n").await?;
        drop(stream);
        drop(client);
        let mut other = connect(&server, level, "types", &password).await?;
        let row = other.simple_query("SELECT COUNT(*) FROM many").await?.into_row().await?;
        expect("rows", row.and_then(|row| row.get::<i32, _>(0)), Some(MANY as i32))
    })
}
