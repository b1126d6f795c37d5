//! A broker played by the test, over a stream in memory.
