//! Lets the compiler print what a terminal, a browser or a table would obey (A28).

compile_error!(
    "\u{1b}[2J\u{1b}]8;;http://evil.invalid\u{7}click\u{1b}]8;;\u{7} \u{202e}txet
=1+1
::error::forged
</pre><script>alert(1)</script>
```
# forged
"
);

fn main() {}
