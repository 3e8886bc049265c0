//! What a ping counts, and the lines it ends with.

use std::time::Duration;

use crate::output::thousandths;

/// What happened so far.
#[derive(Default)]
pub struct Statistics {
    /// Requests sent.
    pub transmitted: u64,
    /// Requests answered. A second answer to the same request is not counted here.
    pub received: u64,
    /// Answers to requests that had been answered before.
    pub duplicates: u64,
    /// Answers whose checksum was wrong.
    pub corrupted: u64,
    /// Messages that a request could not be delivered.
    pub errors: u64,
    /// The most requests that were on their way at the same time.
    pub pipe: u64,
    /// How long the answers took.
    pub times: Times,
}

/// Round-trip times, in microseconds.
#[derive(Default)]
pub struct Times {
    count: u64,
    sum: u64,
    sum_of_squares: u128,
    shortest: u64,
    longest: u64,
    /// A mean in which the last answers weigh most; kept eight times as large.
    recent: u64,
}

impl Times {
    /// Takes in one more.
    pub fn add(&mut self, microseconds: u64) {
        let first = self.count == 0;
        self.count += 1;
        self.sum += microseconds;
        self.sum_of_squares += u128::from(microseconds).pow(2);
        self.shortest =
            if first { microseconds } else { self.shortest.min(microseconds) };
        self.longest = self.longest.max(microseconds);
        self.recent = if first {
            microseconds * 8
        } else {
            self.recent - self.recent / 8 + microseconds
        };
    }

    /// The longest of them.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest)
    }

    /// The standard deviation, called "mdev": how far the times lie from their mean.
    fn deviation(&self) -> u64 {
        let (count, sum) = (u128::from(self.count), u128::from(self.sum));
        let variance = (self.sum_of_squares - sum * sum / count) / count;
        variance.isqrt() as u64
    }
}

impl Statistics {
    /// The last three lines. `lasted` is the time from the first request to the last one; `flood`
    /// says that there was no pause between requests.
    // ANCHOR: summary
    pub fn summary(&self, host: &str, lasted: Duration, flood: bool) -> String {
        let mut counts = format!(
            "{} packets transmitted, {} received",
            self.transmitted, self.received
        );
        for (count, what) in [
            (self.duplicates, "duplicates"),
            (self.corrupted, "corrupted"),
            (self.errors, "errors"),
        ] {
            if count > 0 {
                counts.push_str(&format!(", +{count} {what}"));
            }
        }
        if self.transmitted > 0 {
            let lost = self.transmitted as f64 - self.received as f64;
            let percent = lost * 100.0 / self.transmitted as f64;
            let milliseconds = (lasted.as_micros() + 500) / 1000;
            counts.push_str(&format!(
                ", {}% packet loss, time {milliseconds}ms",
                six_digits(percent)
            ));
        }
        format!(
            "--- {host} ping statistics ---\n{counts}\n{}",
            self.timing(lasted, flood)
        )
    }
    // ANCHOR_END: summary

    /// How things stand, on one line.
    pub fn so_far(&self) -> String {
        let lost = self.transmitted.saturating_sub(self.received);
        let percent = (lost * 100).checked_div(self.transmitted).unwrap_or(0);
        let mut line =
            format!("{}/{} packets, {percent}% loss", self.received, self.transmitted);
        let times = &self.times;
        if let Some(mean) = times.sum.checked_div(times.count) {
            line += &format!(
                ", min/avg/ewma/max = {}/{}/{}/{} ms",
                thousandths(times.shortest),
                thousandths(mean),
                thousandths(times.recent / 8),
                thousandths(times.longest)
            );
        }
        line
    }

    /// The line with the times; empty when nothing was timed.
    fn timing(&self, lasted: Duration, flood: bool) -> String {
        let times = &self.times;
        let mut parts = Vec::new();
        if let Some(mean) = times.sum.checked_div(times.count) {
            parts.push(format!(
                "rtt min/avg/max/mdev = {}/{}/{}/{} ms",
                thousandths(times.shortest),
                thousandths(mean),
                thousandths(times.longest),
                thousandths(times.deviation())
            ));
        }
        if self.pipe > 1 {
            parts.push(format!("pipe {}", self.pipe));
        }
        if flood && self.received > 0 && self.transmitted > 1 {
            let gap = lasted.as_micros() as u64 / (self.transmitted - 1);
            parts.push(format!(
                "ipg/ewma {}/{} ms",
                thousandths(gap),
                thousandths(times.recent / 8)
            ));
        }
        parts.join(", ")
    }
}

/// A number with six digits at most and no zeros at its end, like `%g` in C: 0, 33.3333, 100.
fn six_digits(number: f64) -> String {
    let scientific = format!("{number:.5e}"); // one digit, the point, five digits, the exponent
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let without_zeros = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    if exponent < -4 {
        return format!("{}e-{:02}", without_zeros(mantissa), -exponent);
    }
    let decimals = usize::try_from(5 - exponent).unwrap_or(0);
    without_zeros(&format!("{number:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_as_c_prints_them() {
        for (lost, sent, shown) in [
            (0, 3, "0"),
            (1, 3, "33.3333"),
            (2, 3, "66.6667"),
            (3, 3, "100"),
            (1, 4, "25"),
            (1, 8, "12.5"),
            (1, 65_600, "0.00152439"),
            (65_599, 65_600, "99.9985"),
            (1, 20_000_000, "5e-06"),
            (1, 1000, "0.1"),
            (9_999_999, 10_000_000, "100"),
        ] {
            let percent = f64::from(lost) * 100.0 / f64::from(sent);
            assert_eq!(six_digits(percent), shown, "{lost} of {sent}");
        }
    }

    fn times(all: &[u64]) -> Times {
        let mut times = Times::default();
        all.iter().for_each(|&time| times.add(time));
        times
    }

    #[test]
    fn the_lines_of_a_plain_run() {
        let times = times(&[42, 61, 81]);
        let statistics =
            Statistics { transmitted: 3, received: 3, times, ..Statistics::default() };
        assert_eq!(
            statistics.summary("localhost", Duration::from_micros(2_046_600), false),
            "--- localhost ping statistics ---\n\
             3 packets transmitted, 3 received, 0% packet loss, time 2047ms\n\
             rtt min/avg/max/mdev = 0.042/0.061/0.081/0.015 ms"
        );
    }

    #[test]
    fn everything_that_can_be_counted() {
        let statistics = Statistics {
            transmitted: 3,
            received: 2,
            duplicates: 4,
            corrupted: 1,
            errors: 3,
            pipe: 2,
            times: times(&[42, 81]),
        };
        assert_eq!(
            statistics.summary("10.9.3.2", Duration::from_millis(406), false),
            "--- 10.9.3.2 ping statistics ---\n\
             3 packets transmitted, 2 received, +4 duplicates, +1 corrupted, +3 errors, \
             33.3333% packet loss, time 406ms\n\
             rtt min/avg/max/mdev = 0.042/0.061/0.081/0.019 ms, pipe 2"
        );
    }

    #[test]
    fn nothing_timed_is_an_empty_line() {
        let statistics = Statistics { transmitted: 1, ..Statistics::default() };
        let summary = statistics.summary("x", Duration::ZERO, true);
        assert!(summary.ends_with(
            "1 packets transmitted, 0 received, 100% packet loss, time 0ms\n"
        ));
        let nothing = Statistics::default().summary("x", Duration::ZERO, false);
        assert!(nothing.ends_with("\n0 packets transmitted, 0 received\n"));
    }

    #[test]
    fn a_flood_tells_its_pace() {
        let statistics = Statistics {
            transmitted: 3,
            received: 3,
            times: times(&[14, 6, 4]),
            ..Statistics::default()
        };
        let summary = statistics.summary("x", Duration::from_micros(76), true);
        assert!(
            summary.ends_with("= 0.004/0.008/0.014/0.004 ms, ipg/ewma 0.038/0.011 ms"),
            "{summary}"
        );
    }

    #[test]
    fn how_things_stand() {
        let mut statistics = Statistics { transmitted: 3, ..Statistics::default() };
        assert_eq!(statistics.so_far(), "0/3 packets, 100% loss");
        statistics.received = 2;
        statistics.times = times(&[8000, 16000]);
        assert_eq!(
            statistics.so_far(),
            "2/3 packets, 33% loss, min/avg/ewma/max = 8.000/12.000/9.000/16.000 ms"
        );
    }

    #[test]
    fn equal_times_deviate_by_nothing() {
        assert_eq!(times(&[7; 1000]).deviation(), 0);
        assert_eq!(times(&[u64::from(u32::MAX); 9]).deviation(), 0);
    }
}
