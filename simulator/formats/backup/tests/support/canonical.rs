//! Values as the findings of the independent reader write them.

use spatialcloud_backup::{Time, Value};

/// One value.
pub fn canonical(value: &Value<'_>) -> String {
    match value {
        Value::Null => "\\N".to_owned(),
        Value::Bit(bit) => u8::from(*bit).to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Real(value) => general(f64::from(*value), 9),
        Value::Float(value) => general(*value, 17),
        Value::Date(date) => date.to_string(),
        Value::Time(time) => seven_digits(*time),
        Value::DateTime(date, time) => format!("{date}T{time}"),
        Value::DateTime2(date, time) => format!("{date}T{}", seven_digits(*time)),
        Value::DateTimeOffset(date, time, offset) => {
            let sign = if *offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs();
            format!("{date}T{}{sign}{:02}:{:02}", seven_digits(*time), minutes / 60, minutes % 60)
        }
        Value::Guid(guid) => guid.to_string(),
        Value::Text(text) => escaped(text),
        Value::Binary(bytes) | Value::Xml(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::Variant(variant) => {
            format!("{}:{}", variant.base_type.name(), canonical(&variant.value))
        }
    }
}

fn seven_digits(time: Time) -> String {
    Time::from_ticks(time.ticks(), 7).expect("a time of day").to_string()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// `%.{digits}g` of C.
fn general(value: f64, digits: usize) -> String {
    let scientific = format!("{value:.*e}", digits - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().expect("an exponent");
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs());
    }
    trimmed(&format!("{value:.*}", (digits as i32 - 1 - exponent) as usize))
}
