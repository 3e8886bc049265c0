//! `course` as its users meet it. One program for all these tests: they wait for compilers and for
//! checks most of the time, and so they wait together.

mod check;
mod command_line;
mod progress;
mod student;
mod watch;
