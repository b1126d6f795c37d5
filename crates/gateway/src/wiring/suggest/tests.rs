use super::*;

fn sample(topic: &str, payload: &str) -> Sample {
    Sample { topic: topic.into(), payload: payload.as_bytes().to_vec(), at: None, cut: false }
}

fn propose(samples: &[Sample]) -> Proposal {
    let files = BTreeMap::new();
    let known = Known {
        files: &files,
        zone: "Asia/Shanghai",
        now: Timestamp::from_millis(1_772_413_200_000),
        name: None,
    };
    let proposal = suggest(samples, &known).expect("a proposal");
    assert!(toml::from_str::<toml::Table>(&proposal.text).is_ok(), "it parses:\n{}", proposal.text);
    proposal
}

/// What `wanglou check` says of a file.
fn faults(text: &str) -> Vec<String> {
    let files = [("p.toml".to_owned(), text.as_bytes().to_vec())].into();
    let found = match ProfileSet::compile(&files) {
        Ok(set) => set.run_examples(),
        Err(faults) => faults,
    };
    found.into_iter().map(|fault| fault.message).collect()
}

#[test]
fn polarity_is_left_to_a_person_and_refused_until_both_answers_agree() {
    let proposal =
        propose(&[sample("acme/7/front/state", r#"{"contact":false,"battery":87,"ts":1772413190}"#)]);
    assert_eq!(
        (&*proposal.name, proposal.identity.as_deref(), proposal.open.len()),
        ("acme", Some("front"), 1)
    );
    let told = faults(&proposal.text);
    assert!(
        told.iter().any(|words| words.contains("the polarity is \"direct\" or \"inverted\"")),
        "{told:?}"
    );
    let filled = |polarity: &str, truth: &str| {
        proposal.text.replace(POLARITY, polarity).replace(&format!("\"{TRUTH}\""), truth)
    };
    assert_eq!(faults(&filled("inverted", "true")), [] as [String; 0], "{}", proposal.text);
    assert_eq!(faults(&filled("direct", "true")).len(), 1, "the answers do not agree");
    let half = faults(&proposal.text.replace(POLARITY, "inverted"));
    assert_eq!(half.len(), 1, "the example is still open: {half:?}");
}

#[test]
fn what_the_sample_says_itself_is_filled_in() {
    let body = r#"{"sn":"A1","data":{"door_open":true,"voltage":3010,"when":"x"},"time":"2026-03-02 08:59:00","msgId":"m1"}"#;
    let proposal = propose(&[sample("vendor/up", body)]);
    assert_eq!((proposal.identity.as_deref(), &proposal.open), (Some("A1"), &vec![]));
    assert_eq!(faults(&proposal.text), [] as [String; 0], "{}", proposal.text);
    for piece in [
        r#"device = "{/sn}""#,
        r#"pattern = "%Y-%m-%d %H:%M:%S", zone = "Asia/Shanghai""#,
        r#"unit = "millivolts""#,
        r#"event = "/msgId""#,
        r#"#   /data/when = "x""#,
        "A PROPOSAL",
    ] {
        assert!(proposal.text.contains(piece), "{piece}:\n{}", proposal.text);
    }
}

#[test]
fn several_samples_show_which_level_of_the_topic_is_the_device() {
    let body = r#"{"tilt":3.5}"#;
    let proposal = propose(&[sample("well/lid-7/report/v1", body), sample("well/lid-8/report/v1", body)]);
    assert!(proposal.text.contains(r#"topic = "well/{device}/report/v1""#), "{}", proposal.text);
    assert!(proposal.text.contains(r#"kind = "cover""#) && proposal.open.is_empty());
    assert_eq!(faults(&proposal.text), [] as [String; 0]);
}

#[test]
fn a_sample_that_nobody_understands_becomes_a_frame_to_fill_in() {
    for (topic, payload) in [("x/1/state", r#"{"foo":3}"#), ("x/1/state", "ON"), ("x", r#"{"foo":3}"#)] {
        let proposal = propose(&[sample(topic, payload)]);
        assert!(!proposal.open.is_empty());
        assert!(!faults(&proposal.text).is_empty(), "refused:\n{}", proposal.text);
    }
}

#[test]
fn codes_and_odd_texts_are_asked_about_and_a_comment_cannot_be_broken_out_of() {
    let proposal = propose(&[sample("a/b/c", "{\"smoke\":7,\"no\\nte\":\"x\\ny = 1\"}")]);
    assert_eq!(proposal.open.len(), 1, "{:?}", proposal.open);
    let lists = proposal
        .text
        .replace(&format!("polarity = \"{POLARITY}\""), "true = [7], false = [0]")
        .replace(&format!("\"{TRUTH}\""), "true");
    assert_eq!(faults(&lists), [] as [String; 0], "{lists}");
}

#[test]
fn bytes_lists_and_beginnings_are_refused_with_words() {
    let files = BTreeMap::new();
    let known = Known { files: &files, zone: "UTC", now: Timestamp(0), name: None };
    let mut bytes = sample("t", "");
    bytes.payload = vec![0xff, 1];
    assert!(suggest(&[bytes], &known).expect_err("bytes").contains("Decoding"));
    assert!(suggest(&[sample("t", "[1]")], &known).expect_err("a list").contains("for_each"));
    let cut = Sample { cut: true, ..sample("t", "{") };
    assert!(suggest(&[cut], &known).expect_err("cut").contains("whole message"));
}
