//! What mutants are made of: the examples of every shipped profile, and of one that uses all of the language.

use std::collections::BTreeMap;
use std::path::Path;
use wanglou_profiles::ProfileSet;

/// A topic and a payload that somebody understands.
pub(crate) struct Seed {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// All profiles in one set, and their examples.
pub(crate) fn load() -> (ProfileSet, Vec<Seed>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/profiles");
    let mut files = BTreeMap::from([("everything.toml".to_owned(), EVERYTHING.as_bytes().to_vec())]);
    for entry in std::fs::read_dir(folder).expect("the profiles are there").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
    let seeds = files.values().flat_map(|bytes| examples(bytes)).collect();
    match ProfileSet::compile(&files) {
        Ok(set) => (set, seeds),
        Err(faults) => panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

fn examples(bytes: &[u8]) -> Vec<Seed> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let file: toml::Table = toml::from_str(text).expect("TOML");
    let examples = file.get("example").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let seed = |example: &toml::Value| {
        let text = |key: &str| example.get(key).and_then(toml::Value::as_str);
        let payload = match (text("payload"), text("payload_hex")) {
            (Some(payload), _) => payload.as_bytes().to_vec(),
            (None, Some(hex)) => unhex(hex),
            (None, None) => return None,
        };
        Some(Seed { topic: text("topic")?.to_owned(), payload })
    };
    examples.iter().filter_map(seed).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or("00"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap_or(0)).collect()
}

/// Every stage, every way to find a value, every question.
const EVERYTHING: &str = r##"
format = 1
name = "everything"
title = "All of the language"
title_zh = "全部"
lane = "alarm"

[[message]]
topic = "fuzz/all/of/it/{site}/parts/{n}"
device = "{site}-{/sn|/serial}"
time = { at = "/time", as = ["rfc3339", "epoch", "pattern"], pattern = "%Y-%m-%d %H:%M:%S", zone = "Asia/Shanghai" }
event = "{/id}-{/n}"
pair = "/id"
sequence = "/n"
evidence = ["/url", { inline = "/image" }]
repeats = { within_s = 1 }
replayed = { when = { at = "/time", starts_with = "1970" } }
[[message.part]]
name = "doc"
from = "/doc"
decode = "json"
[[message.part]]
name = "frame"
from = ["/frame", "doc:/frame"]
decode = ["base64", { bytes = { a = { at = 0, as = "u16be", bits = [2, 9] }, b = { at = 0, bit = 7 }, c = { at = -4, as = "f32le" }, d = { at = 1, as = "bcd", length = 3 }, e = { at = 0, as = "text", length = 5 }, f = { at = 0, as = "i56be" } } }]
[[message.part]]
name = "pairs"
from = "/pairs"
decode = { pairs = [";", ",", "&&"], last = "data" }
[[message.part]]
name = "items"
from = "/items"
decode = ["hex", { items = { "0175" = { name = "battery", as = "u8" }, "0367" = { length = 3, fields = { t = { at = 0, as = "i16le" }, u = { at = 2, as = "u8" } } } } }]
[[message.part]]
name = "xml"
from = "/xml"
decode = "xml"
optional = true
[[message.part]]
name = "bits"
from = "/bits"
decode = { bits = { x = 0, y = 63 } }
when = { at = "/bits", matches = "^(0x)?[0-9a-f]+$", case = "ignore" }
[[message.ignore]]
when = { at = "/op", in = ["echo", 7] }
reason = "echo"
[[message.rule]]
name = "door"
first_of = "door"
kind = "contact"
value.open = { at = ["frame:/b", "bits:/x"], polarity = { by = ["/model", "{n}"], direct = ["a", "1"], inverted = ["b"] } }
value.opens = { at = "frame:/a" }
[[message.rule]]
name = "door by list"
first_of = "door"
kind = "contact"
value.open = { at = ["/open", "pairs:/open"], true = ["open", 1], false = ["close", 0], case = "ignore" }
[[message.rule]]
name = "battery"
kind = "battery"
value.pct = { at = ["items:/battery", "pairs:/battery"], min = 0, max = 100, unknown_when = [255] }
value.volts = { at = "items:/t", unit = "millivolts" }
[[message.rule]]
name = "hits"
for_each = [{ name = "hit", in = "/hits" }, { name = "box", entries = "hit:/boxes" }]
when = { all = [{ at = "box:", exists = true }, { not = { at = "hit:/tags", has = ["no"] } }, { any = [{ at = "hit:/score", above = 0.1 }, { at = "hit:/score", empty = true }] }] }
device = "{hit:/camera}"
kind = "object"
value.class = { at = "box:@key" }
value.active = { at = "hit:/flags", bit = 3, polarity = "inverted" }
value.confidence = { at = "hit:/score" }
value.zone = { at = "box:/zone", decode = [{ cut = { after = "#", take = 8 } }, "text"] }
[[message.rule]]
name = "code"
when = { at = ["xml:/A/code", "/code"], exists = true }
kind = "access"
value.result = { of = ["xml:/A/code", "/code", "/sub"], map = { "5/21/" = "granted", "/7/8" = "denied" } }
value.credential_hash = { at = "/card", hash = true }
[[message.rule]]
name = "picture"
when = { at = "/image", exists = true }
kind = "lift_camera"
value.class = { at = "/class", map = { "37" = "ebike", bike = "bicycle" }, case = "ignore" }
value.present = true
value.picture = { at = "/image", inline = true }

[[message]]
topic = "fuzz/{device}/xml"
body = "xml"
device = "{device}"
time = { fields = { year = "/A/t/y", month = "/A/t/mo", day = "/A/t/d", hour = "/A/t/h", minute = "/A/t/mi", second = "/A/t/s" }, zone = "UTC" }
otherwise = { unknown = "/A" }
[[message.rule]]
name = "port"
for_each = [{ name = "port", in = "/A/port" }]
kind = "input"
value.number = { at = "port:/@n" }
value.active = { at = ["port:/#text", "port:/v"], polarity = "direct" }

[[message]]
topic = "fuzz/{device}/senml"
body = "senml"
device = "{device}"
[[message.rule]]
name = "record"
for_each = [{ name = "r", in = "" }]
device = "{r:/name}"
kind = "temperature"
value.celsius = { at = "r:/value" }
time = { at = "r:/time", as = "epoch_s" }

[[message]]
topic = "spBv1.0/fuzz/{type}/{node}/{device}"
body = "sparkplug_b"
device = "fuzz/{node}/{device}"
otherwise = { heartbeat = true }
[[message.rule]]
name = "metric"
for_each = [{ name = "m", in = "/metrics" }]
kind = "device_fault"
value.code = { at = ["m:/name", "m:/alias"] }
value.text = { at = "m:/value", null = "absent" }
value.active = true

[[message]]
topic = "fuzz/{device}/hj212"
body = "hj212"
device = "{/MN}"
[[message.rule]]
name = "factor"
for_each = [{ name = "f", entries = "/values" }]
kind = "device_fault"
value.code = { at = "f:@key" }
value.text = { at = "f:/Rtd" }
value.active = { at = "/sum_good", polarity = "inverted" }

[[message]]
topic = "fuzz/{device}/gzip"
body = ["gzip", "json_or_text"]
device = "{device}"
[[message.rule]]
name = "t"
kind = "temperature"
value.celsius = { at = ["/t", ""] }

[[example]]
topic = "fuzz/all/of/it/s/parts/1"
payload = '''{"sn":"A1","time":"2026-03-02 08:59:00","id":"e","n":3,"model":"a","frame":"jAsBAAAbAAAAAQ==","pairs":"open=close; battery=7,x=1&&data=;;","items":"01755C0367F9002A","xml":"<A v='1'><code>5</code></A>","bits":"0x31","sub":null,"code":21,"card":"0012345","doc":"{\"frame\":\"AAAA\"}","url":"http://a.invalid/p.jpg","image":"/9j/4AAQSkZJRg","class":"37","hits":[{"camera":"c1","tags":["yes"],"score":0.93,"flags":8,"boxes":{"person":{"zone":"z#abc"},"car":{"zone":"z#"}}},{"camera":"c2","score":"","flags":"0x7","boxes":{"dog":{}}}]}'''
unmatched = ""
[[example]]
topic = "fuzz/all/of/it/s/parts/1"
payload = '''{"serial":7,"open":"OPEN","op":"x","xml":"<A>","bits":"?","time":1772413140}'''
unmatched = ""
[[example]]
topic = "fuzz/all/of/it/s/parts/1"
payload = '''{"sn":"A1","op":"echo"}'''
ignored = ""
[[example]]
topic = "fuzz/d/xml"
payload = '''<?xml version="1.0"?><A xmlns="urn:x"><t><y>2026</y><mo>3</mo><d>2</d><h>1</h><mi>0</mi><s>0</s></t><port n="1">on</port><port n="2"><v>off</v></port><e>&lt;&#x41;</e></A>'''
unmatched = ""
[[example]]
topic = "fuzz/d/senml"
payload = '''[{"bn":"urn:dev:mac:1:","bt":1772413190,"bu":"Cel","n":"t","v":5},{"n":"u","t":-5,"v":14},{"n":"w","vs":"x"}]'''
unmatched = ""
[[example]]
topic = "spBv1.0/fuzz/NBIRTH/n/d"
payload_hex = "08a0f8b8e0ca3312120a05626453657118a0f8b8e0ca33200858031800"
rejected = ""
[[example]]
topic = "spBv1.0/fuzz/DBIRTH/n/d"
payload_hex = "08a0f8b8e0ca3312190a0a436f7665722f4f70656e100918a0f8b8e0ca33200b700012140a0154100818a0f8b8e0ca33200350fbffffff0f12140a014e100718a0f8b8e0ca33200c7a04746578741801"
unmatched = ""
[[example]]
topic = "spBv1.0/fuzz/DDATA/n/d"
payload_hex = "08a0f8b8e0ca33120b100918a0f8b8e0ca337001120b100818a0f8b8e0ca3350061802"
unmatched = ""
[[example]]
topic = "fuzz/d/hj212"
payload = '''##0100QN=20260302090000001;ST=22;CN=2011;MN=X1;Flag=5;CP=&&DataTime=20260302090000;LA-Rtd=58.5,LA-Flag=N&&7700'''
unmatched = ""
[[example]]
topic = "fuzz/d/gzip"
payload_hex = "1f8b0800000000000203ab562a51b232ad05005971779a07000000"
unmatched = ""
"##;
