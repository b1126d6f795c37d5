//! ns per message: each family's longest example; a contact and a Frigate event beside serde_json on the same bytes;
//! 500 profiles against 5. `cargo bench -p wanglou-bench-decode`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wanglou_bench_decode::{
    Contact, Event, FRIGATE, Sample, compiled, contact, frigate, many, one_of_each, shipped,
};
use wanglou_profiles::{DecodeState, ProfileSet};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn decode(c: &mut Criterion, group: &str, name: &str, set: &ProfileSet, sample: &Sample) {
    assert!(sample.is_observed(set), "{name}: {:?}", set.decode(&sample.raw()));
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Bytes(sample.payload.len() as u64));
    let mut state = DecodeState::default();
    group.bench_function(name, |b| b.iter(|| set.decode_in(black_box(&sample.raw()), &mut state)));
    group.finish();
}

fn beside(c: &mut Criterion) {
    let mut files = shipped();
    files.entry("frigate.toml".into()).or_insert_with(|| FRIGATE.as_bytes().to_vec());
    let set = compiled(&files);
    let (contact, frigate) = (contact(), frigate());
    decode(c, "contact", "ours", &set, &contact);
    c.bench_function("contact/serde_json typed", |b| {
        b.iter(|| serde_json::from_slice::<Contact<'_>>(black_box(&contact.payload)));
    });
    c.bench_function("contact/serde_json Value", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&contact.payload)));
    });
    decode(c, "frigate", "ours", &set, &frigate);
    c.bench_function("frigate/serde_json typed", |b| {
        b.iter(|| serde_json::from_slice::<Event<'_>>(black_box(&frigate.payload)));
    });
    c.bench_function("frigate/serde_json Value", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&frigate.payload)));
    });
}

fn families(c: &mut Criterion) {
    let files = shipped();
    let set = compiled(&files);
    for sample in one_of_each(&files, &set) {
        decode(c, "family", &format!("{} ({} B)", sample.family, sample.payload.len()), &set, &sample);
    }
}

fn numbers(c: &mut Criterion) {
    for count in [5, 500] {
        let (files, sample) = many(count);
        decode(c, "profiles", &count.to_string(), &compiled(&files), &sample);
    }
}

criterion_group!(benches, beside, families, numbers);
criterion_main!(benches);
