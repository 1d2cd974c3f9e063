//! Functions, in one table, and what `@@` names.

use jiff::ZonedDateTime;
use spatialcloud_tds::{Collation, ColumnType, Date, Guid, Length, Time, Value};

use super::bind::converted;
use super::bound::{Bound, Context};
use super::compare::compare;
use super::precedence::common;
use crate::sql::error::unsupported;
use crate::sql::{Halt, SERVER_NAME, SERVER_VERSION};

/// What an argument is converted to before a function sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Text,
    Integer,
    Float,
    Any,
    /// The type all such arguments have in common, which is the result's too.
    Common,
}

/// What a function gives.
#[derive(Clone, Copy)]
enum Gives {
    Int,
    Float,
    Text,
    Name,
    DateTime,
    DateTime2,
    Variant,
    Guid,
    /// What the arguments have in common.
    Common,
}

/// A function.
pub struct Function {
    name: &'static str,
    arguments: &'static [Argument],
    /// Of the arguments, so many may be left out.
    optional: usize,
    /// Whether the last may come any number of times.
    repeats: bool,
    gives: Gives,
    pub(super) evaluate: fn(&Context<'_>, Vec<Value<'static>>) -> Result<Value<'static>, Halt>,
}

type Values = Vec<Value<'static>>;
type Evaluated = Result<Value<'static>, Halt>;

macro_rules! function {
    ($name:literal, [$($argument:ident),*], $optional:literal, $repeats:literal, $gives:ident, $evaluate:expr) => {
        Function {
            name: $name,
            arguments: &[$(Argument::$argument),*],
            optional: $optional,
            repeats: $repeats,
            gives: Gives::$gives,
            evaluate: $evaluate,
        }
    };
}

/// Name, arguments, how many of them may be missing, whether the last repeats, result, and what it does.
static FUNCTIONS: &[Function] = &[
    function!("LEN", [Text], 0, false, Int, |_, values| text(&values, |text| {
        integer(text.trim_end_matches(' ').encode_utf16().count())
    })),
    function!("DATALENGTH", [Any], 0, false, Int, |_, values| Ok(data_length(&values))),
    function!("LOWER", [Text], 0, false, Text, |_, values| text(&values, |text| text.to_lowercase().into())),
    function!("UPPER", [Text], 0, false, Text, |_, values| text(&values, |text| text.to_uppercase().into())),
    function!("LTRIM", [Text], 0, false, Text, |_, values| text(&values, |text| {
        text.trim_start_matches(' ').to_owned().into()
    })),
    function!("RTRIM", [Text], 0, false, Text, |_, values| text(&values, |text| {
        text.trim_end_matches(' ').to_owned().into()
    })),
    function!("TRIM", [Text], 0, false, Text, |_, values| text(&values, |text| {
        text.trim_matches(' ').to_owned().into()
    })),
    function!("LEFT", [Text, Integer], 0, false, Text, |_, values| piece(&values, |length, count| (
        0,
        count.min(length)
    ))),
    function!("RIGHT", [Text, Integer], 0, false, Text, |_, values| piece(&values, |length, count| {
        (length - count.min(length), count)
    })),
    function!("SUBSTRING", [Text, Integer, Integer], 0, false, Text, |_, values| substring(&values)),
    function!("REPLACE", [Text, Text, Text], 0, false, Text, |_, values| replace(&values)),
    function!("CHARINDEX", [Text, Text, Integer], 1, false, Int, |_, values| char_index(&values)),
    function!("CONCAT", [Text, Text], 0, true, Text, |_, values| {
        Ok(values.iter().filter(|value| !value.is_null()).map(Value::to_string).collect::<String>().into())
    }),
    function!("QUOTENAME", [Text], 0, false, Name, |_, values| text(&values, |text| {
        format!("[{}]", text.replace(']', "]]")).into()
    })),
    function!("ISNULL", [Common, Common], 0, false, Common, |_, values| Ok(first(values))),
    function!("COALESCE", [Common, Common], 0, true, Common, |_, values| Ok(first(values))),
    function!("NULLIF", [Common, Common], 0, false, Common, |_, values| match &values[..] {
        [left, right] if !left.is_null() && !right.is_null() && compare(left, right).is_eq() =>
            Ok(Value::Null),
        [left, _] => Ok(left.clone()),
        _ => Ok(Value::Null),
    }),
    function!("ABS", [Common], 0, false, Common, |_, values| Ok(match values.into_iter().next() {
        Some(Value::Integer(value)) => Value::Integer(value.saturating_abs()),
        Some(Value::Float(value)) => Value::Float(value.abs()),
        Some(Value::Real(value)) => Value::Real(value.abs()),
        Some(Value::Decimal(value)) =>
            Value::Decimal(spatialcloud_tds::Decimal { is_negative: false, ..value }),
        _ => Value::Null,
    })),
    function!("SQRT", [Float], 0, false, Float, |_, values| match values.first() {
        Some(Value::Float(value)) if *value < 0.0 =>
            Err(Halt::error(3623, "An invalid floating point operation occurred.")),
        _ => Ok(float(&values, f64::sqrt)),
    }),
    function!("YEAR", [Any], 0, false, Int, |_, values| Ok(date_part(&values, |(year, ..)| year.into()))),
    function!(
        "MONTH",
        [Any],
        0,
        false,
        Int,
        |_, values| Ok(date_part(&values, |(_, month, _)| month.into()))
    ),
    function!("DAY", [Any], 0, false, Int, |_, values| Ok(date_part(&values, |(.., day)| day.into()))),
    function!("GETDATE", [], 0, false, DateTime, |context, _| now(&context.now, 3)),
    function!("CURRENT_TIMESTAMP", [], 0, false, DateTime, |context, _| now(&context.now, 3)),
    function!("SYSDATETIME", [], 0, false, DateTime2, |context, _| now(&context.now, 7)),
    function!("GETUTCDATE", [], 0, false, DateTime, |context, _| now(
        &context.now.with_time_zone(jiff::tz::TimeZone::UTC),
        3
    )),
    function!("DB_NAME", [Integer], 1, false, Name, |context, values| Ok(match values.first() {
        None => Value::from(context.database.to_owned()),
        Some(Value::Integer(id)) => database_of(context, *id),
        Some(_) => Value::Null,
    })),
    function!("DB_ID", [Text], 1, false, Int, |context, values| Ok(match values.first() {
        None => database_id(context, context.database),
        Some(Value::Text(name)) => database_id(context, name),
        Some(_) => Value::Null,
    })),
    function!("HAS_DBACCESS", [Text], 0, false, Int, |context, values| Ok(match values.first() {
        Some(Value::Text(name)) if !database_id(context, name).is_null() => Value::Integer(1),
        _ => Value::Null,
    })),
    function!("DATABASEPROPERTYEX", [Text, Text], 0, false, Variant, |context, values| database_property(
        context, &values
    )),
    function!("OBJECT_ID", [Text, Text], 1, false, Int, |context, values| Ok(match values.first() {
        Some(Value::Text(name)) => (context.object_id)(name).map_or(Value::Null, Value::Integer),
        _ => Value::Null,
    })),
    function!("SCHEMA_ID", [Text], 1, false, Int, |context, values| Ok(match values.first() {
        None => Value::Integer(1),
        Some(Value::Text(name)) => (context.schema_id)(name).map_or(Value::Null, Value::Integer),
        Some(_) => Value::Null,
    })),
    function!("SCHEMA_NAME", [Integer], 1, false, Name, |_, values| Ok(match values.first() {
        None | Some(Value::Integer(1)) => "dbo".into(),
        Some(Value::Integer(3)) => "INFORMATION_SCHEMA".into(),
        Some(Value::Integer(4)) => "sys".into(),
        Some(_) => Value::Null,
    })),
    function!("SCHEMA_ID", [Text], 1, false, Int, |_, values| Ok(match values.first() {
        Some(Value::Text(name)) if name.eq_ignore_ascii_case("sys") => Value::Integer(4),
        Some(Value::Text(name)) if name.eq_ignore_ascii_case("INFORMATION_SCHEMA") => Value::Integer(3),
        Some(Value::Text(name)) if !name.eq_ignore_ascii_case("dbo") => Value::Null,
        _ => Value::Integer(1),
    })),
    function!("SUSER_SNAME", [], 0, false, Name, |context, _| Ok(context.user.to_owned().into())),
    function!("SUSER_NAME", [], 0, false, Name, |context, _| Ok(context.user.to_owned().into())),
    function!("ORIGINAL_LOGIN", [], 0, false, Name, |context, _| Ok(context.user.to_owned().into())),
    function!("SYSTEM_USER", [], 0, false, Name, |context, _| Ok(context.user.to_owned().into())),
    function!("USER_NAME", [], 0, false, Name, |_, _| Ok("dbo".into())),
    function!("CURRENT_USER", [], 0, false, Name, |_, _| Ok("dbo".into())),
    function!("HOST_NAME", [], 0, false, Name, |context, _| Ok(context.host.to_owned().into())),
    function!("APP_NAME", [], 0, false, Name, |context, _| Ok(context.application.to_owned().into())),
    function!("SERVERPROPERTY", [Text], 0, false, Variant, |_, values| text(&values, server_property)),
    function!("NEWID", [], 0, false, Guid, |_, _| Ok(Value::Guid(Guid(rand::random())))),
];

/// Functions that are written without parentheses.
const BARE: [&str; 3] = ["CURRENT_TIMESTAMP", "SYSTEM_USER", "CURRENT_USER"];

/// Whether a name alone is a call.
pub fn is_bare(name: &str) -> bool {
    BARE.iter().any(|bare| bare.eq_ignore_ascii_case(name))
}

/// The function of that name, its result's type, and the arguments as it wants them.
pub fn resolve(
    name: &str,
    arguments: Vec<Bound>,
) -> Result<(&'static Function, ColumnType, Vec<Bound>), Halt> {
    let function = FUNCTIONS.iter().find(|function| function.name.eq_ignore_ascii_case(name));
    let function = function.ok_or_else(|| unsupported(format_args!("the function {name}")))?;
    let (most, least) = (function.arguments.len(), function.arguments.len() - function.optional);
    if arguments.len() < least || arguments.len() > most && !function.repeats {
        let words = format!("The {} function requires {most} argument(s).", function.name);
        return Err(Halt::error(174, words));
    }
    let both = arguments.iter().fold(ColumnType::Null, |both, argument| common(&both, &argument.column_type));
    let texts: Vec<ColumnType> = arguments.iter().map(|argument| argument.column_type.clone()).collect();
    let text = ColumnType::NVarChar { length: Length::Max, collation: Collation::LATIN1 };
    let kinds = function
        .arguments
        .iter()
        .chain(std::iter::repeat(function.arguments.last().unwrap_or(&Argument::Any)));
    let arguments = arguments.into_iter().zip(kinds).map(|(argument, kind)| match kind {
        Argument::Text => converted(argument, &text),
        Argument::Integer => converted(argument, &ColumnType::BigInt),
        Argument::Float => converted(argument, &ColumnType::Float),
        Argument::Common => converted(argument, &both),
        Argument::Any => argument,
    });
    let column_type = match function.gives {
        Gives::Int => ColumnType::Int,
        Gives::Float => ColumnType::Float,
        Gives::Text if texts.iter().any(is_unicode) => {
            ColumnType::NVarChar { length: result_length(&texts, 4000), collation: Collation::LATIN1 }
        }
        Gives::Text => {
            ColumnType::VarChar { length: result_length(&texts, 8000), collation: Collation::LATIN1 }
        }
        Gives::Name => ColumnType::nvarchar(258),
        Gives::DateTime => ColumnType::DateTime,
        Gives::DateTime2 => ColumnType::DateTime2 { scale: 7 },
        Gives::Variant => ColumnType::SqlVariant,
        Gives::Guid => ColumnType::UniqueIdentifier,
        Gives::Common => both.clone(),
    };
    Ok((function, column_type, arguments.collect()))
}

/// Results may be longer than any argument; what is short stays a type that every client takes.
fn result_length(texts: &[ColumnType], most: u16) -> Length {
    let is_max = texts.iter().any(|text| super::precedence::length(text) == Some(Length::Max));
    if is_max { Length::Max } else { Length::Of(most) }
}

fn is_unicode(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::NChar { .. } | ColumnType::NVarChar { .. } | ColumnType::NText { .. })
}

fn integer(number: usize) -> Value<'static> {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Of a text, nothing of NULL.
fn text(values: &Values, of: impl FnOnce(&str) -> Value<'static>) -> Evaluated {
    Ok(match values.first() {
        Some(Value::Text(text)) => of(text),
        _ => Value::Null,
    })
}

fn float(values: &Values, of: impl FnOnce(f64) -> f64) -> Value<'static> {
    match values.first() {
        Some(Value::Float(value)) => Value::Float(of(*value)),
        _ => Value::Null,
    }
}

fn first(values: Values) -> Value<'static> {
    values.into_iter().find(|value| !value.is_null()).unwrap_or(Value::Null)
}

fn data_length(values: &Values) -> Value<'static> {
    match values.first() {
        None | Some(Value::Null) => Value::Null,
        Some(Value::Text(text)) => integer(text.encode_utf16().count() * 2),
        Some(Value::Binary(bytes)) => integer(bytes.len()),
        Some(Value::Bit(_)) => Value::Integer(1),
        Some(Value::Integer(_) | Value::Real(_)) => Value::Integer(4),
        Some(Value::Guid(_)) => Value::Integer(16),
        Some(_) => Value::Integer(8),
    }
}

/// From where and how many characters, told by the length of the text and the wanted count.
fn piece(values: &Values, of: impl FnOnce(usize, usize) -> (usize, usize)) -> Evaluated {
    let (Some(Value::Text(text)), Some(Value::Integer(count))) = (values.first(), values.get(1)) else {
        return Ok(Value::Null);
    };
    let count = usize::try_from(*count)
        .map_err(|_| Halt::error(536, "Invalid length parameter passed to the left or right function."))?;
    let (from, count) = of(text.chars().count(), count);
    Ok(text.chars().skip(from).take(count).collect::<String>().into())
}

fn substring(values: &Values) -> Evaluated {
    let [Value::Text(text), Value::Integer(from), Value::Integer(count)] = &values[..] else {
        return Ok(Value::Null);
    };
    if *count < 0 {
        return Err(Halt::error(537, "Invalid length parameter passed to the SUBSTRING function."));
    }
    // Characters before the first count, though there are none.
    let end = usize::try_from(from.saturating_add(*count).saturating_sub(1)).unwrap_or(0);
    let from = usize::try_from(from.saturating_sub(1)).unwrap_or(0);
    Ok(text.chars().take(end).skip(from).collect::<String>().into())
}

fn replace(values: &Values) -> Evaluated {
    let [Value::Text(text), Value::Text(from), Value::Text(to)] = &values[..] else { return Ok(Value::Null) };
    // An empty text is found nowhere.
    let replaced = if from.is_empty() { text.clone().into_owned() } else { text.replace(&**from, to) };
    Ok(replaced.into())
}

fn char_index(values: &Values) -> Evaluated {
    let [Value::Text(wanted), Value::Text(text), rest @ ..] = &values[..] else { return Ok(Value::Null) };
    let skip = match rest {
        [Value::Integer(from)] => usize::try_from(from.saturating_sub(1)).unwrap_or(0),
        _ => 0,
    };
    let fold = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (wanted, text) = (fold(wanted), fold(text));
    if wanted.is_empty() {
        return Ok(Value::Integer(0));
    }
    let at = text.windows(wanted.len()).skip(skip).position(|window| window == wanted);
    Ok(at.map_or(Value::Integer(0), |at| integer(at + skip + 1)))
}

fn date_part(values: &Values, part: impl FnOnce((u16, u8, u8)) -> i64) -> Value<'static> {
    let date = match values.first() {
        Some(Value::Date(date) | Value::DateTime(date, _) | Value::DateTimeOffset(date, ..)) => *date,
        _ => return Value::Null,
    };
    Value::Integer(part(date.parts()))
}

fn now(now: &ZonedDateTime, scale: u8) -> Evaluated {
    let wrong = || Halt::error(crate::sql::error::INTERNAL, "the simulated clock is out of the calendar");
    let number = |part: i8| u8::try_from(part).map_err(|_| wrong());
    let year = u16::try_from(now.year()).map_err(|_| wrong())?;
    let date = Date::from_parts(year, number(now.month())?, number(now.day())?).ok_or_else(wrong)?;
    let seconds = (u64::from(number(now.hour())?) * 60 + u64::from(number(now.minute())?)) * 60
        + u64::from(number(now.second())?);
    let ticks = seconds * Time::TICKS_PER_SECOND + u64::try_from(now.subsec_nanosecond()).unwrap_or(0) / 100;
    let step = 10_u64.pow(u32::from(7 - scale));
    Ok(Value::DateTime(date, Time::from_ticks(ticks / step * step, scale).ok_or_else(wrong)?))
}

fn database_of(context: &Context<'_>, id: i64) -> Value<'static> {
    let at = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    at.and_then(|at| context.databases.get(at)).map_or(Value::Null, |name| Value::from(name.clone()))
}

fn database_id(context: &Context<'_>, name: &str) -> Value<'static> {
    let at = context.databases.iter().position(|known| known.eq_ignore_ascii_case(name));
    at.map_or(Value::Null, |at| integer(at + 1))
}

fn variant(base_type: ColumnType, value: Value<'static>) -> Value<'static> {
    Value::Variant(Box::new(spatialcloud_tds::Variant { base_type, value }))
}

fn name_variant(name: impl Into<String>) -> Value<'static> {
    variant(ColumnType::nvarchar(128), Value::from(name.into()))
}

fn database_property(context: &Context<'_>, values: &Values) -> Evaluated {
    let [Value::Text(database), Value::Text(property)] = &values[..] else { return Ok(Value::Null) };
    if database_id(context, database).is_null() {
        return Ok(Value::Null);
    }
    Ok(match property.to_ascii_uppercase().as_str() {
        "STATUS" => name_variant("ONLINE"),
        "UPDATEABILITY" => name_variant("READ_ONLY"),
        "USERACCESS" => name_variant("MULTI_USER"),
        "RECOVERY" => name_variant("SIMPLE"),
        "COLLATION" => name_variant("SQL_Latin1_General_CP1_CI_AS"),
        _ => Value::Null,
    })
}

/// Clients tell servers apart by these: the version is that of a real SQL Server 2019, the rest says what it is.
fn server_property(name: &str) -> Value<'static> {
    let (major, minor, build) = SERVER_VERSION;
    match name.to_ascii_uppercase().as_str() {
        "PRODUCTVERSION" => name_variant(format!("{major}.{minor}.{build}.0")),
        "PRODUCTMAJORVERSION" => name_variant(major.to_string()),
        "PRODUCTMINORVERSION" => name_variant(minor.to_string()),
        "PRODUCTLEVEL" => name_variant("RTM"),
        // Where the server would have its files; MOVE may name any place.
        "INSTANCEDEFAULTDATAPATH" | "INSTANCEDEFAULTLOGPATH" => name_variant("/var/opt/mssql/data/"),
        "INSTANCEDEFAULTBACKUPPATH" => name_variant("/var/opt/mssql/backup/"),
        "EDITION" => name_variant("Simulated Spatial Cloud"),
        "ENGINEEDITION" => variant(ColumnType::Int, Value::Integer(3)),
        "COLLATION" => name_variant("SQL_Latin1_General_CP1_CI_AS"),
        "SERVERNAME" | "MACHINENAME" => name_variant(SERVER_NAME),
        "ISINTEGRATEDSECURITYONLY" | "ISCLUSTERED" | "ISHADRENABLED" | "ISSINGLEUSER" => {
            variant(ColumnType::Int, Value::Integer(0))
        }
        _ => Value::Null,
    }
}

/// What `@@` and a name is.
pub fn global(name: &str, context: &Context<'_>) -> Option<(ColumnType, Value<'static>)> {
    let int = |number: i64| Some((ColumnType::Int, Value::Integer(number)));
    let (major, minor, build) = SERVER_VERSION;
    match name.to_ascii_uppercase().as_str() {
        "VERSION" => {
            let text = format!(
                "Simulated Spatial Cloud {} - {major}.{minor}.{build}.0: a stand-in for Microsoft SQL Server 2019, \
                 which it is not",
                env!("CARGO_PKG_VERSION")
            );
            Some((ColumnType::nvarchar(300), Value::from(text)))
        }
        "MICROSOFTVERSION" => int(i64::from(major) << 24 | i64::from(minor) << 16 | i64::from(build)),
        "SERVERNAME" => Some((ColumnType::nvarchar(128), SERVER_NAME.into())),
        "SERVICENAME" => Some((ColumnType::nvarchar(128), "MSSQLSERVER".into())),
        "SPID" => Some((ColumnType::SmallInt, Value::Integer(context.session.into()))),
        "TRANCOUNT" => int(context.transactions.into()),
        "ROWCOUNT" => int(context.row_count),
        "ERROR" => int(context.last_error.into()),
        "LANGUAGE" => Some((ColumnType::nvarchar(128), "us_english".into())),
        "LANGID" => Some((ColumnType::SmallInt, Value::Integer(0))),
        "MAX_PRECISION" => Some((ColumnType::TinyInt, Value::Integer(38))),
        "NESTLEVEL" | "FETCH_STATUS" | "LOCK_TIMEOUT" => {
            int(if name.eq_ignore_ascii_case("LOCK_TIMEOUT") { -1 } else { 0 })
        }
        "OPTIONS" => int(5496),
        "DATEFIRST" => Some((ColumnType::TinyInt, Value::Integer(7))),
        "TEXTSIZE" => int(i32::MAX.into()),
        _ => None,
    }
}
