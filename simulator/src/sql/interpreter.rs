//! One session over the tables: what it is in, and what it is asked.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use spatialcloud_tds::{
    Call, ColumnType, Command, EnvironmentChange, Message, Request, TransactionRequest, Value,
};

use super::Halt;
use super::backend::{Answer, Backend};
use super::error::unsupported;
use super::evaluate::Context;
use super::instance::change::Change;
use super::instance::{Access, Changes};
use super::language::{Cursor, tokens};
use super::procedure::{self, Argument};
use super::select::{Held, select};
use super::statement::{self, Statement};
use super::tables::Databases;
use super::transactions::Transactions;
use super::world::{MASTER, World};
use crate::clock::Clock;

/// A variable or parameter: name with `@`, type, value.
pub type Variable = (String, ColumnType, Value<'static>);

/// What SET has set.
#[derive(Clone)]
pub struct Settings {
    /// Whether double quotes stand around names rather than texts.
    pub quoted_identifiers: bool,
    /// Whether only columns are told, and no rows.
    pub format_only: bool,
    /// Whether statements are only read.
    pub no_execution: bool,
    /// Rows of a result, at most.
    pub row_count: Option<u64>,
    /// The table whose identity column is given by INSERT, as `database.schema.table`.
    pub identity_insert: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            quoted_identifiers: true,
            format_only: false,
            no_execution: false,
            row_count: None,
            identity_insert: None,
        }
    }
}

/// A statement that was prepared: its text, and the names and types of its parameters.
#[derive(Clone)]
pub struct Prepared {
    pub sql: String,
    pub parameters: Vec<(String, ColumnType)>,
}

/// Who is logged in, and from where.
#[derive(Clone)]
pub struct Identity {
    pub user: String,
    pub host: String,
    pub application: String,
    /// The session's number.
    pub session: u16,
}

/// A session.
pub struct Interpreter {
    pub databases: Arc<dyn Databases>,
    clock: Clock,
    identity: Identity,
    first_database: String,
    pub database: String,
    pub settings: Settings,
    pub transactions: Transactions,
    pub variables: Vec<Variable>,
    pub prepared: BTreeMap<i32, Prepared>,
    pub next_handle: i32,
    pub row_count: i64,
    last_error: i32,
    /// How deep procedures that run statements are inside each other.
    depth: u32,
}

/// As SQL Server has it.
const DEEPEST: u32 = 32;

impl Interpreter {
    /// A session in a database that there is.
    pub fn new(
        databases: Arc<dyn Databases>,
        clock: Clock,
        identity: Identity,
        database: String,
    ) -> Interpreter {
        if let Some(instance) = databases.instance() {
            instance.sessions.enter(identity.session, &database);
        }
        Interpreter {
            databases,
            clock,
            identity,
            first_database: database.clone(),
            database,
            settings: Settings::default(),
            transactions: Transactions::default(),
            variables: Vec::new(),
            prepared: BTreeMap::new(),
            next_handle: 1,
            row_count: 0,
            last_error: 0,
            depth: 0,
        }
    }

    /// All that can be read, as it is now: what one statement sees.
    pub fn world(&self) -> World {
        World {
            tables: self.databases.clone().snapshot(&self.transactions.changes),
            database: self.database.clone(),
        }
    }

    /// Asks something of expressions.
    pub fn with_context<T>(
        &self,
        world: &World,
        ask: impl FnOnce(&Context<'_>) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        self.with_looks(world, &|| Ok(()), ask)
    }

    /// The same; while rows are read, `go_on` is asked now and then whether the client still wants the answer.
    pub fn with_looks<T>(
        &self,
        world: &World,
        go_on: &dyn Fn() -> Result<(), Halt>,
        ask: impl FnOnce(&Context<'_>) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        ask(&Context {
            database: &self.database,
            databases: world.databases(),
            user: &self.identity.user,
            host: &self.identity.host,
            application: &self.identity.application,
            session: self.identity.session,
            now: self.clock.zoned(),
            transactions: self.transactions.depth,
            row_count: self.row_count,
            last_error: self.last_error,
            variables: &self.variables,
            object_id: &|name| world.object_id(name),
            schema_id: &|name| world.schema_id(name),
            inner: &|query, context, most| {
                let selected = select(query, world, context)?;
                let types = selected.columns.into_iter().map(|column| column.column_type).collect();
                let mut held = Held::default();
                let rows = selected.rows.take(most.unwrap_or(usize::MAX)).map(|row| {
                    let row = row?;
                    held.add(&row)?;
                    Ok(row)
                });
                Ok((types, rows.collect::<Result<_, Halt>>()?))
            },
            go_on,
        })
    }

    /// Begins to change a database: what this gives is seen by nobody until it is given to [`Interpreter::end_change`].
    pub fn begin_change(&self, database: &str) -> Result<Change, Halt> {
        if let Some(change) = self.transactions.changes.get(database) {
            return Ok(change.clone());
        }
        match self.databases.instance() {
            Some(_) if database.eq_ignore_ascii_case(MASTER) => {
                Err(unsupported(format_args!("tables in {MASTER}: USE another database")))
            }
            Some(instance) => instance.begin_change(database),
            None => Err(unsupported("changes where tables are all there is")),
        }
    }

    /// A statement has changed a database: all see it now, or when its transaction is committed.
    pub fn end_change(&mut self, change: Change) -> Result<(), Halt> {
        let changes = Changes::from([(change.database.clone(), change)]);
        if self.transactions.depth > 0 {
            self.transactions.changes.extend(changes);
            return Ok(());
        }
        self.publish(changes)
    }

    fn publish(&self, changes: Changes) -> Result<(), Halt> {
        match self.databases.instance() {
            Some(instance) if !changes.is_empty() => {
                instance.commit(changes, &self.now().to_string(), &self.identity.user)
            }
            _ => Ok(()),
        }
    }

    /// Ends a transaction; with the last of those inside each other all see what they have changed. What cannot be
    /// done is rolled back.
    pub fn commit(&mut self, name: &str, answer: &mut Answer<'_>) -> Result<(), Halt> {
        if self.transactions.depth == 1 {
            let changes = std::mem::take(&mut self.transactions.changes);
            if let Err(halt) = self.publish(changes) {
                self.transactions.roll_back("", answer)?;
                return Err(halt);
            }
        }
        self.transactions.commit(name, answer)
    }

    /// The session's number.
    pub fn number(&self) -> u16 {
        self.identity.session
    }

    /// Simulated time.
    pub fn now(&self) -> jiff::ZonedDateTime {
        self.clock.zoned()
    }

    /// Goes to another database, and says so.
    pub fn use_database(&mut self, name: &str, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let new = self.world().database(name)?;
        if let Some(instance) = self.databases.instance() {
            if let Some(restored) = instance.restored(&new)
                && let Access::Single(only) = restored.access
                && only != self.identity.session
            {
                let words = format!("Database '{new}' is already open and can only have one user at a time.");
                return Err(Halt::Failed(Box::new(Message { class: 14, ..Message::error(924, words) })));
            }
            instance.sessions.enter(self.identity.session, &new);
        }
        answer.environment(&EnvironmentChange::Database { new: &new, old: &self.database });
        answer.message(&Message::information(5701, format!("Changed database context to '{new}'.")));
        self.database = new;
        Ok(())
    }

    /// Runs a text with variables of its own.
    pub fn run(&mut self, sql: &str, variables: Vec<Variable>, answer: &mut Answer<'_>) -> Result<(), Halt> {
        if self.depth == DEEPEST {
            return Err(Halt::error(217, format!("Maximum nesting level exceeded (limit {DEEPEST}).")));
        }
        let outer = std::mem::replace(&mut self.variables, variables);
        self.depth += 1;
        let run = self.run_statements(sql, answer);
        self.depth -= 1;
        self.variables = outer;
        run
    }

    fn run_statements(&mut self, sql: &str, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let tokens = tokens(sql, self.settings.quoted_identifiers)?;
        let statements = statement::parse(&mut Cursor::new(&tokens))?;
        for statement in statements {
            if self.settings.no_execution {
                continue;
            }
            self.run_one(&*statement, answer)?;
        }
        Ok(())
    }

    /// Runs a statement, and keeps what @@ERROR is to tell.
    pub fn run_one(&mut self, statement: &dyn Statement, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let run = statement.run(self, answer);
        self.last_error = match &run {
            Err(Halt::Failed(message)) => message.number,
            _ => 0,
        };
        run
    }

    fn call(&mut self, call: &Call, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let arguments = call.parameters.iter().map(|parameter| Argument {
            name: parameter.name.clone(),
            column_type: parameter.column_type.clone(),
            value: parameter.value.clone(),
        });
        procedure::run(call.procedure.name(), arguments.collect(), self, answer)
    }

    fn transaction(&mut self, request: &TransactionRequest, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let then = match request {
            TransactionRequest::Begin { .. } => {
                self.transactions.begin(answer);
                None
            }
            TransactionRequest::Commit { name, then } => {
                self.commit(name, answer)?;
                then.as_ref()
            }
            TransactionRequest::Rollback { name, then } => {
                self.transactions.roll_back(name, answer)?;
                then.as_ref()
            }
            TransactionRequest::Save { name } => {
                self.transactions.save(name)?;
                None
            }
        };
        if then.is_some() {
            self.transactions.begin(answer);
        }
        answer.done(Command::NONE, None);
        Ok(())
    }
}

impl Backend for Interpreter {
    fn execute(&mut self, request: &Request, answer: &mut Answer<'_>) -> Result<(), Halt> {
        answer.in_transaction = self.transactions.depth > 0;
        if let Some(instance) = self.databases.instance()
            && instance.sessions.is_ended(self.identity.session)
        {
            // As SQL Server does with those whom SET SINGLE_USER WITH ROLLBACK ends.
            let ended =
                io::Error::new(io::ErrorKind::ConnectionAborted, "another session has ended this one");
            return Err(Halt::Gone(ended));
        }
        match request {
            Request::Batch { sql, .. } => self.run(sql, Vec::new(), answer),
            Request::Calls { calls, .. } => {
                calls.iter().filter(|call| call.is_executed).try_for_each(|call| self.call(call, answer))
            }
            Request::Transaction { request, .. } => self.transaction(request, answer),
            // Whoever has the connection answers these.
            Request::Attention | Request::Refused(_) => Ok(()),
        }
    }

    fn reset(&mut self, keep_transaction: bool) {
        self.database = self.first_database.clone();
        if let Some(instance) = self.databases.instance() {
            instance.sessions.enter(self.identity.session, &self.database);
        }
        self.settings = Settings::default();
        self.prepared.clear();
        if !keep_transaction {
            self.transactions.end();
        }
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        if let Some(instance) = self.databases.instance() {
            instance.sessions.leave(self.identity.session);
        }
    }
}
