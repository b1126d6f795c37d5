//! Topics and filters: matching, validity, and Wanglou's own names.
//!
//! rumqttc has a matcher too, but it slices the first byte off a topic and so panics on one that begins with a
//! Chinese character.

use crate::intake::Lane;

/// Where a gateway sends its markers to itself.
pub const SELF_PREFIX: &str = "wanglou/v1/self/";

/// Wanglou's own topics that are never input: markers, commands and what it publishes for others.
const OWN_PREFIXES: [&str; 3] = [SELF_PREFIX, "wanglou/v1/cmd/", "wanglou/v1/out/"];

/// True for the topics under which Wanglou itself speaks.
pub fn is_own(topic: &str) -> bool {
    OWN_PREFIXES.iter().any(|prefix| topic.starts_with(prefix))
}

/// The topic of the marker of one connection.
pub fn marker(lane: Lane, generation: u64) -> String {
    format!("{SELF_PREFIX}{}/{generation}", lane.name())
}

/// The topic of a lane's canaries. Its marker filter brings them back.
pub fn canary(lane: Lane) -> String {
    format!("{SELF_PREFIX}{}/canary", lane.name())
}

/// True for the canaries of any lane.
pub fn is_canary(topic: &str) -> bool {
    topic.strip_prefix(SELF_PREFIX).is_some_and(|rest| rest.ends_with("/canary"))
}

/// The filter that brings a lane's own markers back.
pub fn marker_filter(lane: Lane) -> String {
    format!("{SELF_PREFIX}{}/+", lane.name())
}

/// True if the filter selects the topic, by MQTT 3.1.1 section 4.7: `#` selects the parent too, and a wildcard in
/// first place does not select topics that begin with `$`.
pub fn matches(topic: &str, filter: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['#', '+']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            Some(_) | None => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_select_as_section_4_7_of_the_standard_says() {
        for (topic, filter, selected) in [
            ("a/b/c", "a/b/c", true),
            ("a/b/c", "a/+/c", true),
            ("a/b/c", "a/#", true),
            ("a", "a/#", true),
            ("a/", "a/+", true),
            ("a", "a/+", false),
            ("a/b", "a", false),
            ("a", "a/b", false),
            ("/a", "+/a", true),
            ("/a", "+", false),
            ("$SYS/uptime", "#", false),
            ("$SYS/uptime", "+/uptime", false),
            ("$SYS/uptime", "$SYS/#", true),
            ("小区/3号楼/门", "小区/+/门", true),
            ("门", "#", true),
            ("", "#", true),
        ] {
            assert_eq!(matches(topic, filter), selected, "{topic:?} against {filter:?}");
        }
    }

    #[test]
    fn markers_commands_and_output_are_own_but_canonical_input_is_not() {
        assert!(is_own("wanglou/v1/self/alarm/1"));
        assert!(is_own("wanglou/v1/cmd/lift-b"));
        assert!(is_own("wanglou/v1/out/alarms"));
        assert!(!is_own("wanglou/v1/in/cover-7"));
        assert!(!is_own("wanglou/v1"));
    }

    #[test]
    fn a_marker_comes_back_by_its_lanes_filter_and_by_no_other() {
        assert!(matches(&marker(Lane::Alarm, 7), &marker_filter(Lane::Alarm)));
        assert!(!matches(&marker(Lane::Bulk, 7), &marker_filter(Lane::Alarm)));
        assert!(matches(&canary(Lane::Alarm), &marker_filter(Lane::Alarm)));
        assert!(is_canary(&canary(Lane::Bulk)) && !is_canary(&marker(Lane::Bulk, 7)));
    }
}
