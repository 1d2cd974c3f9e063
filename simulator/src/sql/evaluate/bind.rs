//! Expressions as they are written, to expressions whose columns and types are known.

use spatialcloud_tds::{Collation, ColumnType, Decimal, Length, Value};

use super::aggregate::{self, Aggregate};
use super::arithmetic::result_type;
use super::bound::{Bound, Context, Node};
use super::convert_text::number_of_text;
use super::precedence::{common, is_comparable, is_decimal, is_integer, is_text};
use super::{function, method};
use crate::sql::Halt;
use crate::sql::error::{no_column, syntax, unsupported};
use crate::sql::language::{Binary, Expression, Unary};

/// A column that an expression may name.
#[derive(Clone, Debug)]
pub struct ScopeColumn {
    /// What the source is called.
    pub source: String,
    /// Schema of the table, where the source is one without another name.
    pub schema: Option<String>,
    /// The column, with its name.
    pub column: spatialcloud_tds::Column,
}

/// What an expression may name.
#[derive(Default)]
pub struct Scope {
    /// The columns, in the order of a row.
    pub columns: Vec<ScopeColumn>,
    /// Where rows are grouped: what they are grouped by, and the place of each in the row.
    pub groups: Option<Vec<Expression>>,
    /// The aggregates met so far; their values follow the groups in the row.
    pub aggregates: Vec<(Expression, Aggregate)>,
}

impl Scope {
    /// The place of a column.
    fn find(&self, parts: &[String]) -> Result<usize, Halt> {
        let written = parts.join(".");
        let (name, before) = parts.split_last().ok_or_else(|| syntax(&written))?;
        let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
        let fits = |column: &ScopeColumn| {
            same(&column.column.name, name)
                && match before {
                    [] => true,
                    [.., schema, source] => {
                        same(&column.source, source)
                            && column.schema.as_ref().is_some_and(|known| same(known, schema))
                    }
                    [source] => same(&column.source, source),
                }
        };
        let mut found = self.columns.iter().enumerate().filter(|(_, column)| fits(column));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some(_), Some(_)) => Err(Halt::error(209, format!("Ambiguous column name '{name}'."))),
            (None, _) if before.is_empty() => Err(no_column(name)),
            (None, _) => {
                let words = format!("The multi-part identifier \"{written}\" could not be bound.");
                Err(Halt::error(4104, words))
            }
        }
    }
}

pub(super) fn made(column_type: ColumnType, is_nullable: bool, node: Node) -> Bound {
    Bound { column_type, is_nullable, is_condition: false, node }
}

pub(super) fn condition(is_nullable: bool, node: Node) -> Bound {
    Bound { column_type: ColumnType::Bit, is_nullable, is_condition: true, node }
}

pub(super) fn constant(column_type: ColumnType, value: Value<'static>) -> Bound {
    let is_nullable = value.is_null();
    made(column_type, is_nullable, Node::Constant(value))
}

/// Binds an expression.
pub fn bind(expression: &Expression, scope: &mut Scope, context: &Context<'_>) -> Result<Bound, Halt> {
    if scope.groups.is_some() {
        if let Some(bound) = bind_grouped(expression, scope, context)? {
            return Ok(bound);
        }
    } else if aggregate::is_aggregate(expression) {
        let words = "An aggregate may not appear here: only a select list, HAVING or ORDER BY can have one.";
        return Err(Halt::error(147, words));
    }
    let mut value = |expression: &Expression| bind_value(expression, scope, context);
    match expression {
        Expression::Null => Ok(constant(ColumnType::Null, Value::Null)),
        Expression::Number(number) => literal(number),
        Expression::Text(text, is_national) => Ok(text_literal(text, *is_national)),
        Expression::Binary(bytes) => {
            let length = Length::Of(u16::try_from(bytes.len()).unwrap_or(8000).clamp(1, 8000));
            Ok(constant(ColumnType::VarBinary { length }, Value::Binary(bytes.clone().into())))
        }
        Expression::Variable(name) => variable(name, context),
        Expression::Column(parts) => {
            if let [name] = &parts[..]
                && function::is_bare(name)
            {
                let (function, column_type, arguments) = function::resolve(name, Vec::new())?;
                return Ok(made(column_type, true, Node::Function(function, arguments)));
            }
            let at = scope.find(parts)?;
            let column = scope.columns.get(at).map(|column| &column.column).ok_or_else(|| no_column(""))?;
            Ok(made(column.column_type.clone(), column.is_nullable, Node::Column(at)))
        }
        Expression::Unary(Unary::Not, inner) => {
            let inner = bind_condition(inner, scope, context)?;
            Ok(condition(inner.is_nullable, Node::Unary(Unary::Not, Box::new(inner))))
        }
        Expression::Unary(operator, inner) => {
            let inner = value(inner)?;
            // Minus is subtraction from zero, and of its type.
            let column_type = result_type(Binary::Subtract, &inner.column_type, &inner.column_type)
                .map(|_| inner.column_type.clone())?;
            if *operator == Unary::Complement && !is_integer(&column_type) {
                return Err(syntax("~"));
            }
            if let (Unary::Minus, Some(Value::Decimal(_) | Value::Integer(_) | Value::Float(_))) =
                (operator, inner.constant())
            {
                let is_nullable = inner.is_nullable;
                let bound = made(column_type.clone(), is_nullable, Node::Unary(*operator, Box::new(inner)));
                let folded = bound.value(context, &[])?;
                return Ok(constant(column_type, folded));
            }
            Ok(made(column_type, inner.is_nullable, Node::Unary(*operator, Box::new(inner))))
        }
        Expression::Operation(Binary::And, left, right) => {
            let (left, right) =
                (bind_condition(left, scope, context)?, bind_condition(right, scope, context)?);
            Ok(condition(left.is_nullable || right.is_nullable, Node::Both(Box::new(left), Box::new(right))))
        }
        Expression::Operation(Binary::Or, left, right) => {
            let (left, right) =
                (bind_condition(left, scope, context)?, bind_condition(right, scope, context)?);
            Ok(condition(
                left.is_nullable || right.is_nullable,
                Node::Either(Box::new(left), Box::new(right)),
            ))
        }
        Expression::Operation(operator, left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            if is_comparison(*operator) {
                return compared(*operator, left, right);
            }
            let (left, right) = exact_constants(left, right);
            let column_type = result_type(*operator, &left.column_type, &right.column_type)?;
            let is_nullable = left.is_nullable || right.is_nullable;
            Ok(made(column_type, is_nullable, Node::Arithmetic(*operator, Box::new(left), Box::new(right))))
        }
        Expression::IsNull { value: inner, is_not } => {
            let inner = value(inner)?;
            Ok(negated(*is_not, condition(false, Node::IsNull(Box::new(inner)))))
        }
        Expression::Like { value: inner, pattern, escape, is_not } => {
            let text = ColumnType::NVarChar { length: Length::Max, collation: Collation::LATIN1 };
            let (inner, pattern) = (value(inner)?, value(pattern)?);
            let escape = escape.as_ref().map(|escape| value(escape)).transpose()?.map(Box::new);
            let is_nullable = inner.is_nullable || pattern.is_nullable;
            let (inner, pattern) = (converted(inner, &text), converted(pattern, &text));
            Ok(negated(
                *is_not,
                condition(is_nullable, Node::Like(Box::new(inner), Box::new(pattern), escape)),
            ))
        }
        Expression::Between { value: inner, low, high, is_not } => {
            let low = compared(Binary::GreaterOrEqual, value(inner)?, value(low)?)?;
            let high = compared(Binary::LessOrEqual, value(inner)?, value(high)?)?;
            let is_nullable = low.is_nullable || high.is_nullable;
            Ok(negated(*is_not, condition(is_nullable, Node::Both(Box::new(low), Box::new(high)))))
        }
        Expression::In { value: inner, list, is_not } => {
            let inner = value(inner)?;
            let list = list.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            let both =
                list.iter().fold(inner.column_type.clone(), |both, item| common(&both, &item.column_type));
            is_comparable(&both)?;
            let is_nullable = inner.is_nullable || list.iter().any(|item| item.is_nullable);
            let list = list.into_iter().map(|item| converted(item, &both)).collect();
            Ok(negated(*is_not, condition(is_nullable, Node::In(Box::new(converted(inner, &both)), list))))
        }
        Expression::InQuery { value: inner, query, is_not } => {
            let inner = value(inner)?;
            super::inner::among(inner, query, *is_not, context)
        }
        Expression::Exists(query) => super::inner::exists(query, context),
        Expression::Query(query) => super::inner::scalar(query, context),
        Expression::Case { operand, branches, other } => {
            case(operand.as_deref(), branches, other.as_deref(), scope, context)
        }
        Expression::Convert { value: inner, to, style, tries } => {
            let inner = value(inner)?;
            let style = style.as_ref().map(|style| value(style)).transpose()?.map(Box::new);
            let is_nullable = inner.is_nullable || *tries;
            let node = Node::Convert { value: Box::new(inner), style, tries: *tries };
            Ok(made(to.clone(), is_nullable, node))
        }
        Expression::Call { name, arguments, distinct: false } => {
            let arguments = arguments.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            let (function, column_type, arguments) = function::resolve(name, arguments)?;
            Ok(made(column_type, true, Node::Function(function, arguments)))
        }
        Expression::Call { name, .. } => Err(syntax(&format!("{name}(DISTINCT"))),
        Expression::CountRows => Err(syntax("COUNT(*)")),
        Expression::Method { value: inner, name, arguments } => {
            let inner = value(inner)?;
            let method = method::resolve(&inner.column_type, name, arguments.len())?;
            Ok(made(method.column_type(), true, Node::Method(method, Box::new(inner))))
        }
    }
}

/// Where rows are grouped, an expression is one that they are grouped by, an aggregate, or made of such.
fn bind_grouped(
    expression: &Expression,
    scope: &mut Scope,
    context: &Context<'_>,
) -> Result<Option<Bound>, Halt> {
    let groups = scope.groups.clone().unwrap_or_default();
    let at = groups.iter().position(|group| same(group, expression));
    let mut rows = Scope { columns: std::mem::take(&mut scope.columns), ..Scope::default() };
    let bound = match at {
        Some(at) => bind(expression, &mut rows, context)
            .map(|bound| Some(made(bound.column_type, bound.is_nullable, Node::Column(at)))),
        None if aggregate::is_aggregate(expression) => {
            aggregate::bind(expression, &mut rows, context).map(|aggregate| {
                let known = scope.aggregates.iter().position(|(written, _)| written == expression);
                let place = known.unwrap_or(scope.aggregates.len());
                let (column_type, is_nullable) = (aggregate.column_type.clone(), aggregate.is_nullable());
                if known.is_none() {
                    scope.aggregates.push((expression.clone(), aggregate));
                }
                Some(made(column_type, is_nullable, Node::Column(groups.len() + place)))
            })
        }
        None => match expression {
            Expression::Column(parts) => match rows.find(parts) {
                Err(error) => Err(error),
                Ok(_) => {
                    let name = parts.join(".");
                    let words = format!(
                        "Column '{name}' is invalid in the select list because it is not contained in either an \
                         aggregate function or the GROUP BY clause."
                    );
                    Err(Halt::error(8120, words))
                }
            },
            _ => Ok(None),
        },
    };
    scope.columns = rows.columns;
    bound
}

/// The same expression, however its names are written.
fn same(left: &Expression, right: &Expression) -> bool {
    match (left, right) {
        (Expression::Column(left), Expression::Column(right)) => {
            // `a.x` and `x` may be one column; that they are is known when both are bound.
            left.iter().rev().zip(right.iter().rev()).all(|(left, right)| left.eq_ignore_ascii_case(right))
        }
        (left, right) => left == right,
    }
}

/// Binds something that must be a value.
pub fn bind_value(expression: &Expression, scope: &mut Scope, context: &Context<'_>) -> Result<Bound, Halt> {
    let bound = bind(expression, scope, context)?;
    if bound.is_condition { Err(syntax("a condition, where a value is expected")) } else { Ok(bound) }
}

/// Binds something that must be a condition.
pub fn bind_condition(
    expression: &Expression,
    scope: &mut Scope,
    context: &Context<'_>,
) -> Result<Bound, Halt> {
    let bound = bind(expression, scope, context)?;
    if bound.is_condition {
        return Ok(bound);
    }
    let words = "An expression of non-boolean type specified in a context where a condition is expected.";
    Err(Halt::error(4145, words))
}

fn is_comparison(operator: Binary) -> bool {
    use Binary::*;
    matches!(operator, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
}

/// Beside a decimal a whole constant counts with its own digits, not with those of an int.
fn exact_constants(left: Bound, right: Bound) -> (Bound, Bound) {
    let exact = |bound: Bound, is_beside: bool| match bound.constant() {
        Some(Value::Integer(number)) if is_beside => {
            let decimal = Decimal::from_units(*number, 0);
            constant(ColumnType::Numeric { precision: decimal.digits(), scale: 0 }, Value::Decimal(decimal))
        }
        _ => bound,
    };
    let (is_left, is_right) = (is_decimal(&left.column_type), is_decimal(&right.column_type));
    (exact(left, is_right), exact(right, is_left))
}

pub(super) fn negated(is_not: bool, bound: Bound) -> Bound {
    if !is_not {
        return bound;
    }
    condition(bound.is_nullable, Node::Unary(Unary::Not, Box::new(bound)))
}

fn compared(operator: Binary, left: Bound, right: Bound) -> Result<Bound, Halt> {
    let both = common(&left.column_type, &right.column_type);
    is_comparable(&both)?;
    let is_nullable = left.is_nullable || right.is_nullable;
    let sides = (Box::new(converted(left, &both)), Box::new(converted(right, &both)));
    Ok(condition(is_nullable, Node::Compare(operator, sides.0, sides.1)))
}

/// The same value as one of another type. Texts of all types are compared as they are.
pub fn converted(bound: Bound, to: &ColumnType) -> Bound {
    if bound.column_type == *to || is_text(&bound.column_type) && is_text(to) {
        return bound;
    }
    let is_nullable = bound.is_nullable;
    made(to.clone(), is_nullable, Node::Convert { value: Box::new(bound), style: None, tries: false })
}

fn literal(number: &str) -> Result<Bound, Halt> {
    if number.contains(['e', 'E']) {
        let value: f64 = number.parse().map_err(|_| syntax(number))?;
        if !value.is_finite() {
            return Err(Halt::error(168, format!("The floating point value '{number}' is out of range.")));
        }
        return Ok(constant(ColumnType::Float, Value::Float(value)));
    }
    if let Ok(value) = number.parse::<i32>() {
        return Ok(constant(ColumnType::Int, Value::Integer(value.into())));
    }
    let words = || {
        Halt::error(1007, format!("The number '{number}' is out of the range for numeric representation."))
    };
    let decimal = number_of_text(number).ok_or_else(words)?;
    let precision = decimal.digits().max(decimal.scale).max(1);
    Ok(constant(ColumnType::Numeric { precision, scale: decimal.scale }, Value::Decimal(decimal)))
}

fn text_literal(text: &str, is_national: bool) -> Bound {
    let units = text.encode_utf16().count().max(1);
    let length =
        |most: u16| u16::try_from(units).ok().filter(|units| *units <= most).map_or(Length::Max, Length::Of);
    let collation = Collation::LATIN1;
    let column_type = match is_national {
        true => ColumnType::NVarChar { length: length(4000), collation },
        false => ColumnType::VarChar { length: length(8000), collation },
    };
    constant(column_type, Value::from(text.to_owned()))
}

fn variable(name: &str, context: &Context<'_>) -> Result<Bound, Halt> {
    if let Some(global) = name.strip_prefix("@@") {
        let (column_type, value) =
            function::global(global, context).ok_or_else(|| unsupported(format_args!("@@{global}")))?;
        return Ok(constant(column_type, value));
    }
    let found = context.variables.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    let words = || Halt::error(137, format!("Must declare the scalar variable \"{name}\"."));
    let (_, column_type, value) = found.ok_or_else(words)?;
    Ok(made(column_type.clone(), true, Node::Constant(value.clone())))
}

fn case(
    operand: Option<&Expression>,
    branches: &[(Expression, Expression)],
    other: Option<&Expression>,
    scope: &mut Scope,
    context: &Context<'_>,
) -> Result<Bound, Halt> {
    let mut bound = Vec::new();
    for (when, then) in branches {
        let when = match operand {
            None => bind_condition(when, scope, context)?,
            Some(operand) => {
                let left = bind_value(operand, scope, context)?;
                compared(Binary::Equal, left, bind_value(when, scope, context)?)?
            }
        };
        bound.push((when, bind_value(then, scope, context)?));
    }
    let other = other.map(|other| bind_value(other, scope, context)).transpose()?;
    let results = bound.iter().map(|(_, then)| then).chain(&other);
    let column_type = results.fold(ColumnType::Null, |both, result| common(&both, &result.column_type));
    let is_nullable = bound.iter().any(|(_, then)| then.is_nullable)
        || other.as_ref().is_none_or(|other| other.is_nullable);
    let branches = bound.into_iter().map(|(when, then)| (when, converted(then, &column_type))).collect();
    let other = other.map(|other| Box::new(converted(other, &column_type)));
    Ok(made(column_type, is_nullable, Node::Case(branches, other)))
}
