//! How each type of SQL Server is kept: its Arrow type, values in, values out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, LargeBinaryBuilder, LargeStringBuilder, StructBuilder,
    Time64NanosecondBuilder, UInt8Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64NanosecondType, UInt8Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use spatialcloud_backup::{Date, Decimal, Guid, SqlType, Time, Value, Variant, xml_text};

use super::{ColumnRecord, TableError};

/// Days from 0001-01-01, where SQL Server's dates begin, to 1970-01-01, where Arrow's do.
const DAYS_TO_1970: i32 = 719_162;
/// SQL Server counts time in ticks of 100 nanoseconds.
const NANOSECONDS_PER_TICK: i64 = 100;
/// Digits of money and smallmoney, before and behind the point together.
const MONEY_DIGITS: (u8, u8) = (19, 10);
const MONEY_SCALE: i8 = 4;
/// Digits behind the second that datetime and smalldatetime are shown with.
const DATE_TIME_SCALE: u8 = 3;

/// How a type is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal { precision: u8, scale: i8 },
    Real,
    Float,
    Date,
    Time,
    Moment,
    OffsetMoment,
    Guid,
    Text,
    Bytes,
    Variant,
}

fn kept(column: &ColumnRecord) -> Kept {
    match column.sql_type() {
        SqlType::Bit => Kept::Bit,
        SqlType::TinyInt => Kept::TinyInt,
        SqlType::SmallInt => Kept::SmallInt,
        SqlType::Int => Kept::Int,
        SqlType::BigInt => Kept::BigInt,
        SqlType::Decimal | SqlType::Numeric => Kept::Decimal {
            precision: column.precision.clamp(1, 38),
            scale: i8::try_from(column.scale.min(38)).unwrap_or(0),
        },
        SqlType::Money => Kept::Decimal { precision: MONEY_DIGITS.0, scale: MONEY_SCALE },
        SqlType::SmallMoney => Kept::Decimal { precision: MONEY_DIGITS.1, scale: MONEY_SCALE },
        SqlType::Real => Kept::Real,
        SqlType::Float => Kept::Float,
        SqlType::Date => Kept::Date,
        SqlType::Time => Kept::Time,
        SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2 => Kept::Moment,
        SqlType::DateTimeOffset => Kept::OffsetMoment,
        SqlType::UniqueIdentifier => Kept::Guid,
        SqlType::Char
        | SqlType::VarChar
        | SqlType::Text
        | SqlType::NChar
        | SqlType::NVarChar
        | SqlType::NText
        | SqlType::Xml => Kept::Text,
        SqlType::SqlVariant => Kept::Variant,
        SqlType::Binary
        | SqlType::VarBinary
        | SqlType::Image
        | SqlType::Timestamp
        | SqlType::HierarchyId
        | SqlType::Geometry
        | SqlType::Geography
        | SqlType::Clr
        | SqlType::Unknown(_) => Kept::Bytes,
    }
}

/// The column's field in the file. Its declaration is kept for other programs.
pub(super) fn field(column: &ColumnRecord) -> Field {
    let metadata = [("sql_type".to_owned(), column.declaration.clone())];
    // SQL Server's promise that a column has no NULL is not ours to enforce: rows come as the pages hold them.
    Field::new(&column.name, data_type(kept(column)), true).with_metadata(HashMap::from(metadata))
}

fn data_type(kept: Kept) -> DataType {
    match kept {
        Kept::Bit => DataType::Boolean,
        Kept::TinyInt => DataType::UInt8,
        Kept::SmallInt => DataType::Int16,
        Kept::Int => DataType::Int32,
        Kept::BigInt => DataType::Int64,
        Kept::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        Kept::Real => DataType::Float32,
        Kept::Float => DataType::Float64,
        Kept::Date => DataType::Date32,
        Kept::Time => DataType::Time64(TimeUnit::Nanosecond),
        Kept::Moment | Kept::OffsetMoment => DataType::Struct(moment_fields(kept == Kept::OffsetMoment)),
        Kept::Guid => DataType::FixedSizeBinary(16),
        Kept::Text => DataType::LargeUtf8,
        Kept::Bytes => DataType::LargeBinary,
        Kept::Variant => DataType::Struct(variant_fields()),
    }
}

fn moment_fields(with_offset: bool) -> Fields {
    let mut fields = vec![
        Field::new("date", DataType::Date32, true),
        Field::new("time", DataType::Time64(TimeUnit::Nanosecond), true),
    ];
    if with_offset {
        fields.push(Field::new("offset_minutes", DataType::Int16, true));
    }
    fields.into()
}

fn variant_fields() -> Fields {
    vec![Field::new("type", DataType::LargeUtf8, true), Field::new("value", DataType::LargeUtf8, true)].into()
}

/// The values of a column on their way into a batch.
pub(super) enum Values {
    Bit(BooleanBuilder),
    TinyInt(UInt8Builder),
    SmallInt(Int16Builder),
    Int(Int32Builder),
    BigInt(Int64Builder),
    Decimal(Decimal128Builder),
    Real(Float32Builder),
    Float(Float64Builder),
    Date(Date32Builder),
    Time(Time64NanosecondBuilder),
    Moment(StructBuilder),
    Guid(FixedSizeBinaryBuilder),
    Text(LargeStringBuilder),
    Bytes(LargeBinaryBuilder),
    Variant(StructBuilder),
}

impl Values {
    pub(super) fn new(column: &ColumnRecord) -> Values {
        let kept = kept(column);
        match kept {
            Kept::Bit => Values::Bit(BooleanBuilder::new()),
            Kept::TinyInt => Values::TinyInt(UInt8Builder::new()),
            Kept::SmallInt => Values::SmallInt(Int16Builder::new()),
            Kept::Int => Values::Int(Int32Builder::new()),
            Kept::BigInt => Values::BigInt(Int64Builder::new()),
            Kept::Decimal { .. } => Values::Decimal(Decimal128Builder::new().with_data_type(data_type(kept))),
            Kept::Real => Values::Real(Float32Builder::new()),
            Kept::Float => Values::Float(Float64Builder::new()),
            Kept::Date => Values::Date(Date32Builder::new()),
            Kept::Time => Values::Time(Time64NanosecondBuilder::new()),
            Kept::Moment | Kept::OffsetMoment => {
                Values::Moment(StructBuilder::from_fields(moment_fields(kept == Kept::OffsetMoment), 0))
            }
            Kept::Guid => Values::Guid(FixedSizeBinaryBuilder::new(16)),
            Kept::Text => Values::Text(LargeStringBuilder::new()),
            Kept::Bytes => Values::Bytes(LargeBinaryBuilder::new()),
            Kept::Variant => Values::Variant(StructBuilder::from_fields(variant_fields(), 0)),
        }
    }

    /// Adds a value; answers about how many bytes it takes.
    ///
    /// # Errors
    /// A value of another type than the column's, and xml that cannot be told as text.
    pub(super) fn push(&mut self, value: &Value<'_>) -> Result<usize, TableError> {
        match (self, value) {
            (Values::Bit(values), Value::Bit(bit)) => values.append_value(*bit),
            (Values::Bit(values), Value::Null) => values.append_null(),
            (Values::TinyInt(values), _) => values.append_option(integer(value)?),
            (Values::SmallInt(values), _) => values.append_option(integer(value)?),
            (Values::Int(values), _) => values.append_option(integer(value)?),
            (Values::BigInt(values), _) => values.append_option(integer(value)?),
            (Values::Decimal(values), Value::Decimal(number)) => values.append_value(signed(*number)?),
            (Values::Decimal(values), Value::Null) => values.append_null(),
            (Values::Real(values), Value::Real(number)) => values.append_value(*number),
            (Values::Real(values), Value::Null) => values.append_null(),
            (Values::Float(values), Value::Float(number)) => values.append_value(*number),
            (Values::Float(values), Value::Null) => values.append_null(),
            (Values::Date(values), Value::Date(date)) => values.append_value(days(*date)),
            (Values::Date(values), Value::Null) => values.append_null(),
            (Values::Time(values), Value::Time(time)) => values.append_value(nanoseconds(*time)),
            (Values::Time(values), Value::Null) => values.append_null(),
            (Values::Moment(values), Value::DateTime(date, time) | Value::DateTime2(date, time)) => {
                push_moment(values, Some((*date, *time, None)));
            }
            (Values::Moment(values), Value::DateTimeOffset(date, time, offset)) => {
                push_moment(values, Some((*date, *time, Some(*offset))));
            }
            (Values::Moment(values), Value::Null) => push_moment(values, None),
            (Values::Guid(values), Value::Guid(Guid(bytes))) => {
                values.append_value(bytes).map_err(|error| mismatch(&error.to_string()))?;
            }
            (Values::Guid(values), Value::Null) => values.append_null(),
            (Values::Text(values), Value::Text(text)) => {
                values.append_value(text);
                return Ok(text.len() + 8);
            }
            (Values::Text(values), Value::Xml(bytes)) => {
                let text = xml_text(bytes)?;
                values.append_value(&text);
                return Ok(text.len() + 8);
            }
            (Values::Text(values), Value::Null) => values.append_null(),
            (Values::Bytes(values), Value::Binary(bytes)) => {
                values.append_value(bytes);
                return Ok(bytes.len() + 8);
            }
            (Values::Bytes(values), Value::Null) => values.append_null(),
            (Values::Variant(values), Value::Variant(variant)) => {
                let shown = variant.value.to_string();
                let texts = [variant.base_type.name(), &shown].map(Some);
                push_texts(values, texts);
                return Ok(shown.len() + 16);
            }
            (Values::Variant(values), Value::Null) => push_texts(values, [None, None]),
            (_, other) => return Err(mismatch(&format!("{other:?}"))),
        }
        // Most values take about that much.
        Ok(8)
    }

    /// What was added, and begins anew.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Values::Bit(values) => Arc::new(values.finish()),
            Values::TinyInt(values) => Arc::new(values.finish()),
            Values::SmallInt(values) => Arc::new(values.finish()),
            Values::Int(values) => Arc::new(values.finish()),
            Values::BigInt(values) => Arc::new(values.finish()),
            Values::Decimal(values) => Arc::new(values.finish()),
            Values::Real(values) => Arc::new(values.finish()),
            Values::Float(values) => Arc::new(values.finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Time(values) => Arc::new(values.finish()),
            Values::Moment(values) | Values::Variant(values) => Arc::new(values.finish()),
            Values::Guid(values) => Arc::new(values.finish()),
            Values::Text(values) => Arc::new(values.finish()),
            Values::Bytes(values) => Arc::new(values.finish()),
        }
    }
}

fn mismatch(found: &str) -> TableError {
    TableError::Mismatch { found: found.to_owned() }
}

fn integer<T: TryFrom<i64>>(value: &Value<'_>) -> Result<Option<T>, TableError> {
    match value {
        Value::Null => Ok(None),
        Value::Integer(number) => T::try_from(*number).map(Some).map_err(|_| mismatch(&number.to_string())),
        other => Err(mismatch(&format!("{other:?}"))),
    }
}

fn signed(number: Decimal) -> Result<i128, TableError> {
    let magnitude = i128::try_from(number.magnitude).map_err(|_| mismatch(&number.to_string()))?;
    Ok(if number.is_negative { -magnitude } else { magnitude })
}

fn days(date: Date) -> i32 {
    // Below four million, so that it fits.
    i32::try_from(date.days()).unwrap_or(0) - DAYS_TO_1970
}

fn nanoseconds(time: Time) -> i64 {
    i64::try_from(time.ticks()).unwrap_or(0) * NANOSECONDS_PER_TICK
}

fn push_moment(values: &mut StructBuilder, moment: Option<(Date, Time, Option<i16>)>) {
    if let Some(dates) = values.field_builder::<Date32Builder>(0) {
        dates.append_option(moment.map(|(date, ..)| days(date)));
    }
    if let Some(times) = values.field_builder::<Time64NanosecondBuilder>(1) {
        times.append_option(moment.map(|(_, time, _)| nanoseconds(time)));
    }
    if values.num_fields() > 2
        && let Some(offsets) = values.field_builder::<Int16Builder>(2)
    {
        offsets.append_option(moment.and_then(|(.., offset)| offset));
    }
    values.append(moment.is_some());
}

fn push_texts(values: &mut StructBuilder, texts: [Option<&str>; 2]) {
    for (index, text) in texts.into_iter().enumerate() {
        if let Some(builder) = values.field_builder::<LargeStringBuilder>(index) {
            builder.append_option(text);
        }
    }
    values.append(texts[0].is_some());
}

/// The value in `row` of a column's array.
pub(super) fn value<'a>(column: &ColumnRecord, array: &'a dyn Array, row: usize) -> Option<Value<'a>> {
    if array.is_null(row) {
        return Some(Value::Null);
    }
    let scale = column.scale;
    Some(match kept(column) {
        Kept::Bit => Value::Bit(array.as_boolean_opt()?.value(row)),
        Kept::TinyInt => Value::Integer(array.as_primitive_opt::<UInt8Type>()?.value(row).into()),
        Kept::SmallInt => Value::Integer(array.as_primitive_opt::<Int16Type>()?.value(row).into()),
        Kept::Int => Value::Integer(array.as_primitive_opt::<Int32Type>()?.value(row).into()),
        Kept::BigInt => Value::Integer(array.as_primitive_opt::<Int64Type>()?.value(row)),
        Kept::Decimal { scale, .. } => {
            let number = array.as_primitive_opt::<Decimal128Type>()?.value(row);
            Value::Decimal(Decimal {
                is_negative: number < 0,
                magnitude: number.unsigned_abs(),
                scale: u8::try_from(scale).unwrap_or(0),
            })
        }
        Kept::Real => Value::Real(array.as_primitive_opt::<Float32Type>()?.value(row)),
        Kept::Float => Value::Float(array.as_primitive_opt::<Float64Type>()?.value(row)),
        Kept::Date => Value::Date(date(array, row)?),
        Kept::Time => Value::Time(time(array, row, scale)?),
        Kept::Moment | Kept::OffsetMoment => {
            let parts = array.as_struct_opt()?.columns();
            let date = date(parts.first()?, row)?;
            match column.sql_type() {
                SqlType::DateTime | SqlType::SmallDateTime => {
                    Value::DateTime(date, time(parts.get(1)?, row, DATE_TIME_SCALE)?)
                }
                SqlType::DateTime2 => Value::DateTime2(date, time(parts.get(1)?, row, scale)?),
                _ => {
                    let offset = parts.get(2)?.as_primitive_opt::<Int16Type>()?.value(row);
                    Value::DateTimeOffset(date, time(parts.get(1)?, row, scale)?, offset)
                }
            }
        }
        Kept::Guid => Value::Guid(Guid(array.as_fixed_size_binary_opt()?.value(row).try_into().ok()?)),
        Kept::Text => Value::Text(Cow::Borrowed(array.as_string_opt::<i64>()?.value(row))),
        Kept::Bytes => Value::Binary(Cow::Borrowed(array.as_binary_opt::<i64>()?.value(row))),
        Kept::Variant => {
            let parts = array.as_struct_opt()?.columns();
            let text = |index: usize| Some(parts.get(index)?.as_string_opt::<i64>()?.value(row));
            Value::Variant(Box::new(Variant {
                base_type: SqlType::named(text(0)?),
                value: Value::Text(Cow::Borrowed(text(1)?)),
            }))
        }
    })
}

fn date(array: &dyn Array, row: usize) -> Option<Date> {
    let days = array.as_primitive_opt::<Date32Type>()?.value(row);
    Date::from_days(u32::try_from(days.checked_add(DAYS_TO_1970)?).ok()?)
}

fn time(array: &dyn Array, row: usize, scale: u8) -> Option<Time> {
    let nanoseconds = array.as_primitive_opt::<Time64NanosecondType>()?.value(row);
    Time::from_ticks(u64::try_from(nanoseconds / NANOSECONDS_PER_TICK).ok()?, scale)
}
