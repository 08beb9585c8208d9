//! Sizes as people write and read them.

use bytesize::ByteSize;

/// Bytes for a person: `512 B`, `4.0 KiB`, `1.5 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    if n < 1024 {
        return format!("{n} B");
    }
    ByteSize::b(n).display().iec().to_string()
}

/// A signed difference of bytes: `+4.0 KiB`, `-12 B`, `0 B`.
pub(crate) fn signed_bytes(n: i64) -> String {
    format!("{}{}", sign(n), bytes(n.unsigned_abs()))
}

/// A signed count with its sign always shown, but for zero: `+600`, `-3`, `0`.
pub(crate) fn signed_count(n: i64) -> String {
    format!("{}{}", sign(n), count(n.unsigned_abs()))
}

/// A signed rate: `+600`, `-0.25`, `0`; decimals only where it is small.
pub(crate) fn rate(n: f64) -> String {
    if n.abs() >= 99.95 {
        return signed_count(n.round() as i64);
    }
    let text = with_decimals_of(n.abs(), n);
    match text.as_str() {
        "0" => "0".to_owned(),
        _ if n < 0.0 => format!("-{text}"),
        _ => format!("+{text}"),
    }
}

/// How far a rate may be off, with the decimals that the rate has.
pub(crate) fn error_of(error: f64, rate: f64) -> String {
    match rate.abs().max(error) >= 99.95 {
        true => count(error.round() as u64),
        false => with_decimals_of(error, rate),
    }
}

fn with_decimals_of(figure: f64, rate: f64) -> String {
    let decimals = if rate.abs() < 9.95 { 2 } else { 1 };
    let text = format!("{figure:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A growth in percent: one decimal below 10, none above: `+4.2%`, `+50%`, `-100%`.
pub(crate) fn signed_percent(percent: f64) -> String {
    let decimals = usize::from(percent.abs() < 9.95 && percent != 0.0);
    let text = format!("{:.decimals$}", percent.abs());
    let sign = match percent {
        p if p > 0.0 => "+",
        p if p < 0.0 => "-",
        _ => "",
    };
    format!("{sign}{text}%")
}

/// A count with its thousands set apart, which a long row of digits needs: `15,400,000`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 block`, `2 blocks`: a count with its noun.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), plural(n))
}

/// `+1 block`, `-2 blocks`: a signed count with its noun.
pub(crate) fn signed_counted(n: i64, noun: &str) -> String {
    format!("{} {noun}{}", signed_count(n), plural(n.unsigned_abs()))
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn sign(n: i64) -> &'static str {
    match n.signum() {
        1 => "+",
        -1 => "-",
        _ => "",
    }
}

/// The two largest units of a time: `6h 40m`.
pub(crate) fn time(seconds: f64) -> String {
    let whole = std::time::Duration::from_secs(seconds.min(3e15) as u64);
    let text = humantime::format_duration(whole).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// `signal 11 (SIGSEGV)`; the number alone where it has no name.
pub(crate) fn signal_name(signal: i32) -> String {
    match signal_hook::low_level::signal_name(signal) {
        Some(name) => format!("signal {signal} ({name})"),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(4096), "4.0 KiB");
        assert_eq!(bytes(1536 * 1024), "1.5 MiB");
        assert_eq!(signed_bytes(-4096), "-4.0 KiB");
        assert_eq!(signed_bytes(0), "0 B");
        assert_eq!(signed_bytes(i64::MIN), "-8.0 EiB");
    }

    #[test]
    fn rates_have_decimals_where_they_are_small() {
        let cases = [
            (600.0, "+600"),
            (-0.25, "-0.25"),
            (0.0, "0"),
            (12.34, "+12.3"),
            (3.0, "+3"),
            (0.001, "0"),
            (15_400.2, "+15,400"),
        ];
        for (n, text) in cases {
            assert_eq!(rate(n), text);
        }
    }

    #[test]
    fn percents_keep_a_decimal_only_where_it_says_something() {
        assert_eq!(signed_percent(50.0), "+50%");
        assert_eq!(signed_percent(4.25), "+4.2%");
        assert_eq!(signed_percent(-100.0), "-100%");
        assert_eq!(signed_percent(0.0), "0%");
    }

    #[test]
    fn signals_have_their_names() {
        assert_eq!(signal_name(11), "signal 11 (SIGSEGV)");
        assert_eq!(signal_name(9), "signal 9 (SIGKILL)");
        assert_eq!(signal_name(40), "signal 40");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(999), "999");
        assert_eq!(count(15_400_000), "15,400,000");
        assert_eq!(counted(1, "block"), "1 block");
        assert_eq!(signed_counted(-1, "block"), "-1 block");
        assert_eq!(signed_counted(15_400, "block"), "+15,400 blocks");
        assert_eq!(counted(2504, "block"), "2,504 blocks");
    }
}
