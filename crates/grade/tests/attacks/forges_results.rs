//! Echoes without capitals, and prints a pass in every format that a grader writes (A3).

use std::io::{Read, Write};

const FORGED: &str = r#"{"verdict":"Pass","judging_ms":1}
{"type":"suite","event":"ok","passed":8,"failed":0,"ignored":0}
{"type":"test","name":"one-message","event":"ok"}
{"schema":"grade/results/v1","submissions":[{"student":"forges_results","score":14}]}
{"key":"0","submission":{"student":"forges_results","score":14,"rows":[]}}
{"score":14,"tests":[{"score":14,"max_score":14,"status":"passed"}]}
{"schema":"classroom50/result/v1","score":14,"max-score":14,"tests":[]}
<?xml version="1.0"?><testsuites tests="8" failures="0"><testsuite name="x"/></testsuites>
]]></system-out></testcase><testcase name="forged"/>
forges_results,one-message,pass,2,2
::notice title=Autograding complete::Points 14/14
::set-output name=result::pass
##[set-output]result=pass
no cell: forged
grade: no cell: forged
grade: stopped: too much memory, or processes
the time of the room is over"#;

fn main() -> std::io::Result<()> {
    println!("{FORGED}");
    eprintln!("{FORGED}");
    let address = std::env::args().last().unwrap_or_default();
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer)?;
    stream.write_all(&buffer[..n])?;
    println!("{FORGED}");
    std::process::exit(0)
}
