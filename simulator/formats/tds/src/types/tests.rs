//! Values by bytes, and there and back.

use proptest::prelude::*;

use super::type_info::Form;
use super::*;
use crate::error::EncodeError;
use crate::input::Input;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value as it is in a column that may have NULL.
fn written(column_type: &ColumnType, value: &Value<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    write_value(&mut bytes, "c", &TypeInfo::of(column_type, true), value, false)?;
    Ok(bytes)
}

fn date(text: &str) -> Date {
    let parts: Vec<u16> = text.split('-').map(|part| part.parse().expect("a number")).collect();
    Date::from_parts(parts[0], parts[1] as u8, parts[2] as u8).expect("a day")
}

fn time(ticks: u64, scale: u8) -> Time {
    Time::from_ticks(ticks, scale).expect("within a day")
}

fn decimal(units: i64, scale: u8) -> Value<'static> {
    Value::Decimal(Decimal::from_units(units, scale))
}

/// The bytes are worked out by hand from the specification's sections on data types.
#[test]
fn values_are_these_bytes() {
    use ColumnType as T;
    let latin1 = Collation::LATIN1;
    let noon = 12 * 3600 * Time::TICKS_PER_SECOND;
    let int = Variant { base_type: T::Int, value: Value::Integer(7) };
    let text = Variant { base_type: T::nvarchar(3), value: Value::from("hé") };
    let cases: Vec<(ColumnType, Value<'_>, &str)> = vec![
        (T::Bit, Value::Bit(true), "0101"),
        (T::Bit, Value::Null, "00"),
        (T::TinyInt, Value::Integer(255), "01ff"),
        (T::SmallInt, Value::Integer(-2), "02feff"),
        (T::Int, Value::Integer(7), "0407000000"),
        (T::BigInt, Value::Integer(-1), "08ffffffffffffffff"),
        (T::Real, Value::Real(1.5), "040000c03f"),
        (T::Float, Value::Float(-2.0), "0800000000000000c0"),
        (T::SmallMoney, decimal(12_345, 2), "0444d61200"),
        (T::Money, decimal(1, 4), "080000000001000000"),
        (T::Money, decimal(-1, 4), "08ffffffffffffffff"),
        (T::Decimal { precision: 9, scale: 2 }, decimal(12_345, 2), "050139300000"),
        (T::Numeric { precision: 10, scale: 0 }, decimal(-5, 0), "09000500000000000000"),
        (T::Decimal { precision: 28, scale: 0 }, decimal(1, 0), "0d01010000000000000000000000"),
        (T::Date, Value::Date(date("1900-01-01")), "035b950a"),
        (T::Date, Value::Null, "00"),
        (T::Time { scale: 0 }, Value::Time(time(noon, 0)), "03c0a800"),
        (T::Time { scale: 3 }, Value::Time(time(noon, 3)), "0400 2e9302"),
        (T::Time { scale: 7 }, Value::Time(time(noon, 7)), "0500e03495 64"),
        (
            T::DateTime2 { scale: 0 },
            Value::DateTime(date("0001-01-02"), time(10_000_000, 0)),
            "06010000010000",
        ),
        // 02:00 at +02:00 is midnight of UTC.
        (
            T::DateTimeOffset { scale: 0 },
            Value::DateTimeOffset(date("0001-01-02"), time(2 * 3600 * Time::TICKS_PER_SECOND, 0), 120),
            "080000000100007800",
        ),
        (T::DateTime, Value::DateTime(date("1900-01-02"), time(10_000_000, 3)), "08010000002c010000"),
        (T::DateTime, Value::DateTime(date("1899-12-31"), time(0, 3)), "08ffffffff00000000"),
        (T::SmallDateTime, Value::DateTime(date("1900-01-01"), time(noon, 0)), "040000d002"),
        (T::UniqueIdentifier, Value::Guid(Guid([1; 16])), "1001010101010101010101010101010101"),
        (T::Char { length: 3, collation: latin1 }, Value::from("é"), "0300e92020"),
        (T::VarChar { length: Length::Of(5), collation: latin1 }, Value::from("é€"), "0200e980"),
        (T::varchar(5), Value::from(""), "0000"),
        (T::varchar(5), Value::Null, "ffff"),
        (T::NChar { length: 2, collation: latin1 }, Value::from("a"), "040061002000"),
        (T::nvarchar(2), Value::from("aé"), "04006100e900"),
        (T::Binary { length: 2 }, Value::Binary([9][..].into()), "02000900"),
        (T::VarBinary { length: Length::Of(2) }, Value::Binary([9][..].into()), "010009"),
        (
            T::VarBinary { length: Length::Max },
            Value::Binary([9, 8][..].into()),
            "0200000000000000 02000000 0908 00000000",
        ),
        (T::VarBinary { length: Length::Max }, Value::Binary([][..].into()), "0000000000000000 00000000"),
        (T::VarBinary { length: Length::Max }, Value::Null, "ffffffffffffffff"),
        (
            T::NVarChar { length: Length::Max, collation: latin1 },
            Value::from("a"),
            "0200000000000000 02000000 6100 00000000",
        ),
        (T::Xml, Value::from("<a/>"), "0800000000000000 08000000 3c0061002f003e00 00000000"),
        (
            T::Udt(UdtType::geometry("x")),
            Value::Binary([1][..].into()),
            "0100000000000000 01000000 01 00000000",
        ),
        (T::Image, Value::Binary([1][..].into()), "0100000001"),
        (T::Text { collation: latin1 }, Value::from("é"), "01000000e9"),
        (T::NText { collation: latin1 }, Value::Null, "ffffffff"),
        (T::SqlVariant, Value::Variant(Box::new(int)), "06000000 3800 07000000"),
        (T::SqlVariant, Value::Variant(Box::new(text)), "0d000000 e707 0904d00034 0600 6800e900"),
        (T::SqlVariant, Value::Null, "00000000"),
    ];
    for (column_type, value, bytes) in cases {
        let got = written(&column_type, &value).expect("a value that fits");
        assert_eq!(hex(&got), bytes.replace(' ', ""), "{value} as {}", column_type.name());
    }
}

#[test]
fn rows_have_a_pointer_before_old_large_values() {
    let info = TypeInfo::of(&ColumnType::Image, true);
    let mut bytes = Vec::new();
    write_value(&mut bytes, "c", &info, &Value::Null, true).expect("NULL");
    assert_eq!(bytes, [0]);
    write_value(&mut bytes, "c", &info, &Value::Binary([7][..].into()), true).expect("a value");
    assert_eq!((bytes[1], bytes.len(), &bytes[26..]), (16, 31, &[1, 0, 0, 0, 7][..]));
}

#[test]
fn what_does_not_fit_is_told() {
    let told = |column_type: &ColumnType, value: &Value<'_>| {
        written(column_type, value).expect_err("a misfit").to_string()
    };
    assert_eq!(told(&ColumnType::TinyInt, &Value::Integer(256)), "column \"c\" is tinyint; 256 does not fit");
    assert_eq!(told(&ColumnType::Int, &Value::from("x")), "column \"c\" is int, got x");
    assert!(told(&ColumnType::nvarchar(1), &Value::from("ab")).contains("does not fit"));
    assert!(
        told(&ColumnType::Char { length: 1, collation: Collation::LATIN1 }, &Value::from("ab"))
            .contains("does not fit")
    );
    assert!(
        told(&ColumnType::Decimal { precision: 3, scale: 1 }, &decimal(1000, 0)).contains("does not fit")
    );
    assert!(
        told(&ColumnType::SmallDateTime, &Value::DateTime(date("1899-12-31"), time(0, 0)))
            .contains("does not fit")
    );
    let mut bytes = Vec::new();
    let null = write_value(&mut bytes, "c", &TypeInfo::of(&ColumnType::Int, false), &Value::Null, true);
    assert_eq!(null, Err(EncodeError::Null { column: "c".to_owned() }));
    let large = Variant { base_type: ColumnType::Xml, value: Value::from("<a/>") };
    assert!(told(&ColumnType::SqlVariant, &Value::Variant(Box::new(large))).contains("got <a/>"));
}

/// Writing cuts what is finer than the type, so times are made on its grid.
fn on_grid(ticks: u64, scale: u8) -> Time {
    let step = time::ticks_per_step(scale);
    time(ticks / step * step, scale)
}

/// A type and a value of it, as any column may hold.
fn typed_value() -> impl Strategy<Value = (ColumnType, Value<'static>)> {
    use ColumnType as T;
    let text = "[ -~àéü€]{0,40}";
    let bytes = || proptest::collection::vec(any::<u8>(), 0..80);
    let days = 0..=Date::LAST;
    let moment = (1..Date::LAST, 0..Time::TICKS_PER_DAY, 0_u8..=7);
    let small_moment = (0_u32..65_536, 0_u64..1440);
    let max = || prop_oneof![Just(Length::Of(200)), Just(Length::Max)];
    let of_bytes = |bytes: Vec<u8>| Value::Binary(bytes.into());
    let collation = prop_oneof![Just(Collation::LATIN1), Just(Collation::UTF8)];
    prop_oneof![
        any::<bool>().prop_map(|bit| (T::Bit, Value::Bit(bit))),
        any::<u8>().prop_map(|value| (T::TinyInt, Value::Integer(value.into()))),
        any::<i16>().prop_map(|value| (T::SmallInt, Value::Integer(value.into()))),
        any::<i32>().prop_map(|value| (T::Int, Value::Integer(value.into()))),
        any::<i64>().prop_map(|value| (T::BigInt, Value::Integer(value))),
        any::<f32>()
            .prop_filter("a number", |value| !value.is_nan())
            .prop_map(|value| (T::Real, Value::Real(value))),
        any::<f64>()
            .prop_filter("a number", |value| !value.is_nan())
            .prop_map(|value| (T::Float, Value::Float(value))),
        any::<i32>().prop_map(|units| (T::SmallMoney, decimal(units.into(), 4))),
        any::<i64>().prop_map(|units| (T::Money, decimal(units, 4))),
        (any::<i64>(), 0_u8..=19, 19_u8..=38)
            .prop_map(|(units, scale, precision)| (T::Decimal { precision, scale }, decimal(units, scale))),
        (-999_999_999_i64..=999_999_999, 0_u8..=9, 9_u8..=18)
            .prop_map(|(units, scale, precision)| (T::Numeric { precision, scale }, decimal(units, scale))),
        days.prop_map(|days| (T::Date, Value::Date(Date::from_days(days).expect("a day")))),
        (0..Time::TICKS_PER_DAY, 0_u8..=7)
            .prop_map(|(ticks, scale)| (T::Time { scale }, Value::Time(on_grid(ticks, scale)))),
        moment.clone().prop_map(|(days, ticks, scale)| (
            T::DateTime2 { scale },
            Value::DateTime(Date::from_days(days).expect("a day"), on_grid(ticks, scale))
        )),
        (moment, -840_i16..=840).prop_map(|((days, ticks, scale), offset)| {
            (
                T::DateTimeOffset { scale },
                Value::DateTimeOffset(Date::from_days(days).expect("a day"), on_grid(ticks, scale), offset),
            )
        }),
        (0..=Date::LAST, 0..86_400_u64).prop_map(|(days, seconds)| {
            (
                T::DateTime,
                Value::DateTime(
                    Date::from_days(days).expect("a day"),
                    time(seconds * Time::TICKS_PER_SECOND, 3),
                ),
            )
        }),
        small_moment.prop_map(|(days, minutes)| {
            let date = Date::from_days_since_1900(days.into()).expect("a day");
            (T::SmallDateTime, Value::DateTime(date, time(minutes * Time::TICKS_PER_MINUTE, 0)))
        }),
        any::<[u8; 16]>().prop_map(|bytes| (T::UniqueIdentifier, Value::Guid(Guid(bytes)))),
        (text, max(), collation)
            .prop_map(|(text, length, collation)| (T::VarChar { length, collation }, Value::from(text))),
        ("\\PC{0,40}", max()).prop_map(|(text, length)| (
            T::NVarChar { length, collation: Collation::LATIN1 },
            Value::from(text)
        )),
        text.prop_map(|text| (T::Text { collation: Collation::LATIN1 }, Value::from(text))),
        "\\PC{0,40}".prop_map(|text| (T::NText { collation: Collation::LATIN1 }, Value::from(text))),
        "\\PC{0,40}".prop_map(|text| (T::Xml, Value::from(format!("<a>{text}</a>")))),
        (bytes(), max()).prop_map(move |(bytes, length)| (T::VarBinary { length }, of_bytes(bytes))),
        bytes().prop_map(move |bytes| (T::Image, of_bytes(bytes))),
        proptest::collection::vec(any::<u8>(), 7)
            .prop_map(move |bytes| (T::Binary { length: 7 }, of_bytes(bytes))),
        "[a-zé]{6}".prop_map(|text| (T::Char { length: 6, collation: Collation::LATIN1 }, Value::from(text))),
        "[a-zé]{6}"
            .prop_map(|text| (T::NChar { length: 6, collation: Collation::LATIN1 }, Value::from(text))),
    ]
}

/// The same, sql_variant and NULL among them.
fn any_value() -> impl Strategy<Value = (ColumnType, Value<'static>)> {
    let variant = typed_value().prop_filter_map("nothing large", |(base_type, value)| {
        let is_small = !matches!(TypeInfo::of(&base_type, true).form, Form::Long | Form::Partial);
        is_small.then(|| (ColumnType::SqlVariant, Value::Variant(Box::new(Variant { base_type, value }))))
    });
    let null = typed_value().prop_map(|(column_type, _)| (column_type, Value::Null));
    prop_oneof![6 => typed_value(), 2 => variant, 1 => null]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back((column_type, value) in any_value(), is_nullable in any::<bool>()) {
        let info = TypeInfo::of(&column_type, is_nullable || value.is_null());
        // A column's type as parameters have it; only CLR types differ there.
        let mut bytes = Vec::new();
        info.write(&mut bytes);
        write_value(&mut bytes, "c", &info, &value, false).expect("a value that fits");
        let mut input = Input::new(&bytes);
        let read = TypeInfo::read(&mut input).expect("a type");
        prop_assert_eq!(&read, &info);
        prop_assert_eq!(read_value(&mut input, &read).expect("a value"), value);
        prop_assert!(input.is_empty());
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut input = Input::new(&bytes);
        while let Ok(info) = TypeInfo::read(&mut input) {
            if read_value(&mut input, &info).is_err() || input.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn a_cut_value_is_an_error((column_type, value) in any_value(), at in any::<prop::sample::Index>()) {
        let info = TypeInfo::of(&column_type, true);
        let mut bytes = Vec::new();
        write_value(&mut bytes, "c", &info, &value, false).expect("a value that fits");
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert!(read_value(&mut Input::new(cut), &info).is_err());
    }
}
