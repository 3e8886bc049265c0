//! Panics with what a terminal, a browser or a table would obey, and with bytes that are no text (A28).

use std::io::Write;

const NASTY: &str = "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{1b}]8;;http://evil.invalid\u{7}x\
    \u{1b}]8;;\u{7}\u{9b}31m\r\u{8}\u{0}\u{202e}txet\u{2066}\u{200b}\u{feff}\n=1+1\n+1\n-1\n@SUM(A1)\n\
    \t=1+1\n::error file=x::forged\n##[error]forged\n</pre><script>alert(1)</script>\n\
    <img src=x onerror=alert(1)>\n[link](javascript:alert(1)) ![](http://evil.invalid/x.png)\n\
    ``````\n# heading\n]]>&lt;&#0;\u{fffe}";

fn main() {
    let bytes: Vec<u8> = (0..=255).collect();
    let _ = std::io::stderr().write_all(&bytes);
    panic!("{NASTY}");
}
