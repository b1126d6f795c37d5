//! The examples inside profiles can fail, and say how.

use crate::support::{set_of, shown};

fn run(example: &str) -> String {
    let toml = format!(
        "format = 1\nname = \"p\"\ntitle = \"x\"\ntitle_zh = \"x\"\n[[message]]\ntopic = \"t/{{d}}\"\ndevice = \"{{d}}\"\ntime = {{ at = \"/t\", as = \"rfc3339\" }}\n\
         [[message.rule]]\nname = \"c\"\nkind = \"contact\"\nvalue.open = {{ at = \"/c\", polarity = \"direct\" }}\n\
         [[example]]\ntopic = \"t/d\"\npayload = '{{\"c\":true,\"t\":\"2026-03-02T00:59:00Z\"}}'\n{example}"
    );
    match set_of(&toml) {
        Ok(set) => shown(&set.run_examples()),
        Err(faults) => panic!("{}", shown(&faults)),
    }
}

#[test]
fn an_example_that_comes_out_as_it_says_is_silent() {
    let expect = |fields: &str| format!("expect = [{{ device = \"d\", kind = \"contact\", {fields} }}]");
    assert_eq!(run(&expect("value = { open = true }, at_device = \"2026-03-02T08:59:00+08:00\"")), "");
    assert_eq!(
        run(&expect("value = { open = true }, at_device = \"2026-03-02T00:59:00Z\", quality = \"ok\"")),
        ""
    );
    assert_eq!(
        run(&format!(
            "at = \"2026-03-02T10:00:00+08:00\"\n{}",
            expect("value = { open = true }, at_device = \"2026-03-02T00:59:00Z\", quality = \"late\"")
        )),
        ""
    );
}

#[test]
fn an_example_that_comes_out_otherwise_is_a_fault_of_its_line() {
    for (example, part) in [
        (
            "expect = [{ device = \"d\", kind = \"contact\", value = { open = false }, at_device = \"2026-03-02T00:59:00Z\" }]",
            "observation 1 is",
        ),
        ("expect = [{ device = \"d\", kind = \"contact\", value = { open = true } }]", "observation 1 is"),
        (
            "expect = [{ device = \"d\", kind = \"contact\", value = { open = true, moved = true }, at_device = \"2026-03-02T00:59:00Z\" }]",
            "observation 1 is",
        ),
        (
            "expect = [{ device = \"d\", kind = \"contact\", value = { open = true }, at_device = \"2026-03-02T00:59:00Z\" }, { device = \"d\", kind = \"heartbeat\", value = {} }]",
            "1 observations, not 2",
        ),
        ("ignored = \"\"", "it gives {"),
        ("unmatched = \"\"", "it gives {"),
        ("rejected = \"\"", "it gives {"),
    ] {
        let faults = run(example);
        assert!(
            faults.starts_with("test.toml:13: example[0]: ") && faults.contains(part),
            "{example}\n{faults}"
        );
    }
}

#[test]
fn a_reason_must_hold_what_the_example_says_of_it() {
    let good = "expect = [{ device = \"d\", kind = \"contact\", value = { open = true }, at_device = \"2026-03-02T00:59:00Z\" }]";
    let rejected =
        |part: &str| format!("{good}\n[[example]]\ntopic = \"t/d\"\npayload = '{{'\nrejected = \"{part}\"");
    assert_eq!(run(&rejected("the text ends")), "");
    assert!(run(&rejected("too deep")).contains("the reason is \"not JSON: the text ends"));
}
