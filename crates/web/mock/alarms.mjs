// Canned alarms, people and console content for the mock gateway. All made up.

const minutesAgo = (min) => new Date(Date.now() - min * 60_000).toISOString();

const reason = (code, zh, en) => ({ code, text: { zh, en } });

/** `3号楼` as `Building 3`, and so on. */
const english = (name) =>
  [[/^(\d+)号楼$/, 'Building $1'], [/^(\d+)单元$/, 'Unit $1'], [/^电梯(.)$/, 'Lift $1'], [/^(\d+)号路$/, 'Road $1'], [/^(\d+)号井$/, 'Cover $1'], [/^东区$/, 'East part']]
    .reduce((text, [from, to]) => text.replace(from, to), name);

export const OFFICER = { id: 'o_wu', name: '吴建国', roles: ['guard'], admin: true };
export const OTHER = { id: 'o_8', name: '王师傅' };

export const SITE = { id: 'demo', name: { zh: '示范小区', en: 'Demo compound' } };

const base = {
  rev: 1,
  state: 'open',
  active: true,
  stage: null,
  stage_text: null,
  test: false,
  mark: null,
  count: 1,
  closed_at: null,
  text: { zh: '', en: '' },
  evidence: [],
  accepted_by: null,
  accepted_at: null,
  eta_s: null,
  outcome: null,
  esc: { step: 0, next_at: null },
  silent: false,
  actions: ['accept', 'decline'],
};

function alarm(minutes, fields) {
  const at = minutesAgo(minutes);
  return { ...base, first_at: at, last_at: at, raised_at: at, ...fields };
}

/** A level-one alarm with a picture. */
export const cover = () =>
  alarm(0.6, {
    id: 'al_cover',
    kind: 'manhole',
    prio: 1,
    stage: 'open',
    stage_text: { zh: '井盖打开，无人看护', en: 'Open and unguarded' },
    place: {
      id: 'road-2/mh-17',
      path: ['东区', '2号路', '17号井（幼儿园门口）'],
      path_en: ['East', 'Road 2', 'Cover 17 (kindergarten gate)'],
    },
    title: { zh: '井盖打开', en: 'Manhole cover open' },
    text: {
      zh: '倾斜 63° 已 30 秒，人行道，天黑',
      en: 'Tilted 63° for 30 s, on a footpath, after dark',
    },
    evidence: [{ type: 'img', url: '/api/evidence/cover.svg' }],
    esc: { step: 0, next_at: minutesAgo(-0.4) },
  });

export const ebike = () =>
  alarm(2.3, {
    id: 'al_ebike',
    kind: 'ebike_in_lift',
    prio: 2,
    stage: 'left_at_floor',
    stage_text: { zh: '在 12 楼推出电梯', en: 'Left the lift at floor 12' },
    place: { id: '3/2/lift-B', path: ['3号楼', '2单元', '电梯B'], path_en: ['Building 3', 'Unit 2', 'Lift B'] },
    title: { zh: '电动车进电梯', en: 'E-bike in lift' },
    text: { zh: '轿厢内停留 1.5 秒，门开', en: 'Inside for 1.5 s with the door open' },
    count: 3,
    actions: ['accept', 'decline'],
  });

export const door = () =>
  alarm(9, {
    id: 'al_door',
    kind: 'device_fault',
    prio: 3,
    mark: 'late',
    place: { id: '5/1/lobby', path: ['5号楼', '1单元', '大堂'], path_en: ['Building 5', 'Unit 1', 'Lobby'] },
    title: { zh: '门磁失联', en: 'Door sensor silent' },
    text: { zh: '8 小时没有消息', en: 'No message for 8 h' },
  });

export const battery2 = () =>
  alarm(0.1, {
    id: 'al_battery2',
    kind: 'device_fault',
    prio: 4,
    place: { id: '6/1/roof', path: ['6号楼', '1单元', '天台'], path_en: ['Building 6', 'Unit 1', 'Roof'] },
    title: { zh: '电池电量低', en: 'Battery low' },
    actions: ['note'],
  });

export const rest = () => [
  alarm(14, {
    id: 'al_alone',
    kind: 'living_alone',
    prio: 2,
    state: 'accepted',
    stage: 'captain',
    stage_text: { zh: '请上门查看', en: 'Please knock at the door' },
    place: { id: 'home-3-1203', path: ['3号楼', '1单元', '1203'], path_en: ['Building 3', 'Unit 1', '1203'] },
    title: { zh: '独居老人久未开门', en: 'Lives alone, door long unopened' },
    text: { zh: '24 小时没有开门，电话无人接', en: 'No door movement for 24 h, calls not answered' },
    accepted_by: { id: OFFICER.id, name: OFFICER.name },
    accepted_at: minutesAgo(12),
    rev: 4,
    actions: ['arrive', 'note', 'resolve', 'false_alarm'],
    home: true,
  }),
  alarm(31, {
    id: 'al_throw',
    kind: 'thrown_object',
    prio: 2,
    stage: 'review',
    stage_text: { zh: '等待消控室复核', en: 'Under review by the control room' },
    mark: 'unverified',
    silent: true,
    state: 'open',
    place: { id: '7/facade-s', path: ['7号楼', '南立面', '12–14层'], path_en: ['Building 7', 'South face', 'floors 12–14'] },
    title: { zh: '高空抛物', en: 'Thrown object' },
    actions: ['accept', 'note', 'confirm'],
  }),
  alarm(39, {
    id: 'al_leak',
    kind: 'lift_fault',
    prio: 3,
    state: 'en_route',
    silent: true,
    place: { id: '9/1/lift-A', path: ['9号楼', '1单元', '电梯A'], path_en: ['Building 9', 'Unit 1', 'Lift A'] },
    title: { zh: '电梯故障', en: 'Lift fault' },
    accepted_by: OTHER,
    accepted_at: minutesAgo(29),
    actions: ['note'],
  }),
  alarm(47, {
    id: 'al_battery',
    kind: 'device_fault',
    prio: 4,
    place: { id: '1/1/roof', path: ['1号楼', '1单元', '天台'], path_en: ['Building 1', 'Unit 1', 'Roof'] },
    title: { zh: '电池电量低', en: 'Battery low' },
    text: { zh: '剩余 9%', en: '9 % left' },
    actions: ['note'],
  }),
  alarm(180, {
    id: 'al_done',
    kind: 'ebike_in_lift',
    prio: 2,
    state: 'closed',
    active: false,
    outcome: 'complied',
    closed_at: minutesAgo(171),
    place: { id: '2/1/lift-A', path: ['2号楼', '1单元', '电梯A'], path_en: ['Building 2', 'Unit 1', 'Lift A'] },
    title: { zh: '电动车进电梯', en: 'E-bike in lift' },
    accepted_by: OTHER,
    actions: [],
  }),
];

export const drill = () =>
  alarm(0.2, {
    ...cover(),
    raised_at: minutesAgo(0.2),
    id: 'al_drill',
    test: true,
    title: { zh: '演练：井盖打开', en: 'Drill: manhole cover open' },
    text: { zh: '请像真实告警一样接警', en: 'Please accept it as if it were real' },
    evidence: [],
    stage: null,
    stage_text: null,
  });

export const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"><rect width="320" height="180" fill="#3d4650"/><path d="M0 180V95l320-30v115z" fill="#59626c"/><ellipse cx="165" cy="128" rx="46" ry="18" fill="#15191d"/><ellipse cx="232" cy="136" rx="46" ry="17" fill="#8b949c" stroke="#30363c" stroke-width="4"/><text x="10" y="24" fill="#e8ecf0" font-size="15" font-family="monospace">CAM 21:03:11</text></svg>`;

export function detail(a) {
  const advice = {
    manhole: {
      zh: ['先拦住行人和车辆，不要靠近井口。', '摆放锥桶或围挡，拍照。', '闻到异味立即后退，不要下井。'],
      en: [
        'Keep people and vehicles away; do not step close.',
        'Put up cones or a barrier and take a picture.',
        'If you smell gas, step back. Never climb in.',
      ],
    },
  }[a.kind] ?? {
    zh: ['到现场查看。', '在处理结果中写下看到的情况。'],
    en: ['Go and look.', 'Write down what you found as the outcome.'],
  };
  const t = Date.parse(a.raised_at);
  const at = (s) => new Date(t + s * 1000).toISOString();
  const timeline = [
    { at: at(0), what: 'raised', text: a.text },
    { at: at(0), what: 'rung', text: { zh: '第一梯队：保安、网格员', en: 'First rung: guard, grid worker' } },
    {
      at: at(0.1),
      what: 'notified',
      to: { id: OFFICER.id, name: OFFICER.name },
      channel: 'ws',
    },
    {
      at: at(0.3),
      what: 'stored',
      by: { id: OFFICER.id, name: OFFICER.name },
      channel: 'ws',
    },
    { at: at(15), what: 'notified', to: OTHER, channel: 'webhook' },
  ];
  if (a.accepted_by) {
    timeline.push({
      at: a.accepted_at ?? at(20),
      what: 'accepted',
      by: a.accepted_by,
    });
  }
  return { a, advice, timeline, ...(a.kind === 'ebike_in_lift' && { lift: lift() }), plan: { plan: a.home ? 'tower' : 'ground', x: 0.805, y: 0.387 } };
}

export const overview = () => ({
  unmatched: [
    {
      topic: 'vendorx/gw-07/uplink/00a1',
      count: 418,
      first_at: minutesAgo(600),
      last_at: minutesAgo(0.3),
      rate_per_min: 1.2,
      reason: reason('unmatched', '没有接入文件识别此消息', 'no profile matches this topic'),
      sample: '{"devEui":"00A1","tilt":12.5,"bat":3.61,"evt":"hb"}',
      bytes: 51,
      kind: 'unmatched',
      profile: null,
    },
    {
      topic: 'zigbee2mqtt/home-9-0000/door',
      count: 3,
      first_at: minutesAgo(33),
      last_at: minutesAgo(12),
      rate_per_min: 0.05,
      reason: reason(
        'unregistered',
        '设备 "home-9-0000/door" 未登记：在 devices.csv 加一行',
        'device "home-9-0000/door" is not in the registry: add a line to devices.csv',
      ),
      sample: '{"contact":false,"battery":97,"linkquality":120}',
      bytes: 48,
      kind: 'unregistered',
      profile: 'zigbee2mqtt-contact',
    },
    {
      topic: 'cam/lift-b/ev\u202ent',
      count: 1,
      first_at: minutesAgo(4),
      last_at: minutesAgo(4),
      rate_per_min: 0.2,
      reason: reason('rejected', '内容不符合接入文件（payload is not JSON）', 'payload is not JSON: expected value at byte 0'),
      sample: 'ff d8 ff e0 00 10 4a 46 49 46',
      bytes: 10,
      kind: 'rejected',
      profile: 'lift-camera',
    },
  ],
  devices: [
    ['mh-17', 'road-2/mh-17', ['东区', '2号路', '17号井'], 'cover', 'canonical', 'live', 2, 3600, 81],
    ['home-3-1203/door', 'home-3-1203', ['3号楼', '1单元', '1203'], 'home_door', 'zigbee2mqtt', 'unknown', 560, 3600, 14],
    ['lift-3-2-b', '3/2/lift-B', ['3号楼', '2单元', '电梯B'], 'lift_camera', 'lift-camera', 'live', 0.1, 10, null],
    ['cam-7-s', '7/facade-s', ['7号楼', '南立面'], 'facade_camera', 'facade-camera', 'event_only', 31, null, null],
    ['mh-40', 'road-5/mh-40', ['西区', '5号路', '40号井'], 'cover', 'chirpstack-tilt', 'never_heard', null, 86400, null],
    ...Array.from({ length: 40 }, (_, i) => [
      `home-4-${101 + i}/door`,
      `home-4-${101 + i}`,
      ['4号楼', '1单元', String(101 + i)],
      'home_door',
      'zigbee2mqtt',
      'live',
      i,
      3600,
      60 + (i % 40),
    ]),
  ].map(([id, place, place_path, purpose, profile, liveness, ago, interval_s, battery_pct]) => ({
    id,
    place,
    place_path,
    place_path_en: place_path.map(english),
    purpose,
    profile,
    liveness,
    last_at: ago === null ? null : minutesAgo(ago),
    interval_s,
    battery_pct,
  })),
  people: [
    { ...OFFICER, on_duty: true, reachable: true, how: ['socket', 'telephone'], phones: 1 },
    { ...OTHER, roles: ['guard'], on_duty: true, reachable: false, how: [], phones: 0 },
    { id: 'o_12', name: '李静', roles: ['grid_worker'], on_duty: true, reachable: true, how: ['telephone'], phones: 0 },
    { id: 'o_15', name: '陈晓', roles: ['manager'], on_duty: false, reachable: true, how: ['socket'], phones: 2 },
  ],
  path: { alarm: 'up', bulk: 'draining', since: minutesAgo(95) },
  health: { ready: false, reasons: [
      {
        code: 'bulk_path',
        zh: '数据通道不通：正在接收积压消息',
        en: "The bulk path is not up: the broker's backlog is still coming in",
      },
    ] },
  clock: { trusted: true },
  config: { hash: '8f14e45fceea167a5a36dedd4bea2543', since: minutesAgo(95) },
});

/** A public key of no private one: enough to subscribe with. */
export const PUSH_KEY = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';

export const team = () => ({
  people: [
    { id: OFFICER.id, name: OFFICER.name, roles: ['guard'], on_duty: true, reachable: true },
    { ...OTHER, roles: ['guard'], on_duty: true, reachable: false },
    { id: 'o_12', name: '李静', roles: ['grid_worker'], on_duty: true, reachable: true },
    { id: 'o_15', name: '陈晓', roles: ['manager'], on_duty: false, reachable: true },
  ],
  shifts: [
    { officer: OFFICER.id, from_min: 1200, until_min: 480, weekdays: [true, true, true, true, true, false, false] },
    { officer: OTHER.id, from_min: 480, until_min: 1200, weekdays: [true, true, true, true, true, true, false] },
    { officer: 'o_12', from_min: 540, until_min: 1080, weekdays: [true, true, true, true, true, false, false] },
  ],
  today: 1,
  me: { on_duty: true, signed_until: null },
  offers: [],
});

export const past = () => [
  { alarm: 'al_p1', kind: 'ebike_in_lift', prio: 2, title: { zh: '电动车进电梯', en: 'E-bike in lift' }, path: ['2号楼', '1单元', '电梯A'], path_en: ['Building 2', 'Unit 1', 'Lift A'], raised_at: minutesAgo(400), accepted_by: { id: OFFICER.id, name: OFFICER.name }, outcome: 'complied', closed_at: minutesAgo(391), test: false },
  { alarm: 'al_p2', kind: 'test', prio: 2, title: { zh: '测试告警', en: 'Test alarm' }, path: ['门岗'], path_en: ['Gate'], raised_at: minutesAgo(500), accepted_by: { id: OFFICER.id, name: OFFICER.name }, outcome: 'test', closed_at: minutesAgo(499), test: true },
  { alarm: 'al_p3', kind: 'manhole', prio: 1, title: { zh: '井盖打开', en: 'Manhole cover open' }, path: ['东区', '2号路', '17号井'], path_en: ['East', 'Road 2', 'Cover 17'], raised_at: minutesAgo(620), accepted_by: OTHER, outcome: null, closed_at: null, test: false },
];

export const places = () =>
  [
    ['1', ['1号楼']],
    ['3', ['3号楼']],
    ['3/2', ['3号楼', '2单元']],
    ['3/2/lift-B', ['3号楼', '2单元', '电梯B']],
    ['5', ['5号楼']],
    ['7', ['7号楼']],
    ['road-2', ['东区', '2号路']],
    ['road-2/mh-17', ['东区', '2号路', '17号井']],
    ['gate-n', ['北门']],
  ].map(([id, path]) => ({ id, path, path_en: path.map(english) }));

export const RESIDENT = {
  name: '周阿姨',
  telephone: '+86 000 0000 1203',
  family: [{ name: '周样例', telephone: '+86 000 0000 2203' }],
};

export const phones = () => [
  { id: 's1', officer: OFFICER.id, phone: 'd_7f', name: '门岗 1 号手机', since: minutesAgo(4000), expires_at: minutesAgo(-9000) },
  { id: 's2', officer: 'o_12', phone: 'd_81', name: '', since: minutesAgo(700), expires_at: minutesAgo(-9000) },
];

/** The console's charts: an hour or a day with a quiet night, one burst, and a device that fell silent. */
export function figures(span, fresh) {
  const [step, count] = span === 'day' ? [300, 289] : [15, 241];
  const n = fresh ? 1 : count;
  const now = Math.round(Date.now() / 1000);
  const at = Array.from({ length: n }, (_, i) => now - (n - 1 - i) * step);
  const wave = (base, size, period) => at.map((_, i) => Number((base + size * Math.sin((6.28 * i) / period)).toFixed(3)));
  const bump = (column, from, to, by) => column.map((v, i) => (i >= from && i <= to ? v + by : v));
  const part = (share) => Math.round(n * share);
  const columns = {
    ingest_alarm: bump(wave(3.1, 0.8, 31), part(0.6), part(0.65), 9),
    ingest_bulk: wave(24, 4, 83),
    canary_p50: wave(0.011, 0.002, 19),
    canary_p99: bump(wave(0.024, 0.005, 23), part(0.6), part(0.65), 0.06),
    receipt_p50: at.map((_, i) => (i > part(0.3) && i < part(0.38) ? 0.04 : null)),
    receipt_p99: at.map((_, i) => (i > part(0.3) && i < part(0.38) ? 0.09 : null)),
    commit_p50: wave(0.0011, 0.0001, 29),
    commit_p99: wave(0.0046, 0.001, 17),
    ingest_p99: wave(0.007, 0.001, 37),
    queue_alarm: at.map(() => 0),
    queue_bulk: bump(at.map(() => 0), part(0.6), part(0.63), 12),
    queue_requests: at.map((_, i) => (i % 40 === 0 ? 1 : 0)),
    duty_on: at.map((_, i) => (i < part(0.7) ? 4 : 5)),
    duty_reachable: at.map((_, i) => (i < part(0.4) ? 4 : i < part(0.7) ? 3 : 5)),
    judged: at.map((_, i) => Math.floor((8 * i) / n)),
    judged_false: at.map((_, i) => Math.floor((2.4 * i) / n)),
    silent: at.map((_, i) => (i < part(0.2) ? 1 : 2)),
    never_heard: at.map(() => 1),
    canary_failures: at.map(() => 0),
    open: at.map(() => 3),
  };
  const place = (id, ...path) => ({ id, place: id, place_path: path, place_path_en: path.map(english) });
  return {
    span,
    since: new Date((at[0] - (span === 'day' ? 0 : 7_200)) * 1000).toISOString(),
    now: new Date(now * 1000).toISOString(),
    at,
    columns: fresh ? Object.fromEntries(Object.keys(columns).map((key) => [key, [null]])) : columns,
    silent: fresh
      ? []
      : [
          { ...place('home-3-1203/door', '3号楼', '1单元', '1203'), last_at: minutesAgo(560) },
          { ...place('noise-east', '东区'), last_at: minutesAgo(42) },
        ],
    chatty: fresh
      ? []
      : [
          { ...place('lift-3-2-b', '3号楼', '2单元', '电梯B'), per_min: 61.2 },
          { ...place('noise-west', '西区'), per_min: 12.04 },
          { ...place('mh-17', '东区', '2号路', '17号井'), per_min: 0.31 },
        ],
    chatty_over_s: fresh ? 4 : 3_120,
  };
}

/** What runs: a permit at a cover, and a door out of service. */
export const works = () => ({
  permits: [
    { device: 'mh-17', zone: null, path: ['东区', '2号路', '17号井'], path_en: ['East', 'Road 2', 'Cover 17'], from: minutesAgo(60), until: minutesAgo(-400), crew: [OTHER], by: { id: 'o_15', name: '陈晓' } },
  ],
  windows: [
    { id: 'w1', how: 'out_of_service', device: null, zone: '5', kind: null, kind_title: null, path: ['5号楼'], path_en: ['Building 5'], from: minutesAgo(-60), until: minutesAgo(-300), reason: '消防维保', by: { id: 'o_15', name: '陈晓' } },
  ],
  now: minutesAgo(0),
});

/** Who that lives alone is away. */
export const absences = () => [
  { home: '3/1/1203', path: ['3号楼', '1单元', '1203'], path_en: ['Building 3', 'Unit 1', '1203'], status: 'away', absence: { from: minutesAgo(600), until: minutesAgo(-8000), by: OTHER } },
  { home: '3/1/302', path: ['3号楼', '1单元', '302'], path_en: ['Building 3', 'Unit 1', '302'], status: 'hospital', absence: { from: minutesAgo(900), until: null, by: OTHER } },
  { home: '1/1/201', path: ['1号楼', '1单元', '201'], path_en: ['Building 1', 'Unit 1', '201'], status: 'home' },
];

/** Two commands to the lift of the e-bike: a voice that was given, a hold that the lift did not do. */
export const lift = () => [
  { at: minutesAgo(2.2), action: 'voice', state: 'confirmed', text: { zh: '电动车在轿厢内，语音劝离', en: 'an e-bike is in the car: asked to leave' } },
  { at: minutesAgo(2.1), action: 'hold', state: 'timed_out', text: { zh: '电动车在轿厢内，请求保持开门', en: 'an e-bike is in the car: asked to hold the door' } },
];

/** The e-bike's alarm while the lift is held. */
export const held = () => ({ ...ebike(), id: 'al_held', stage: 'held', stage_text: { zh: '电梯已保持开门', en: 'Held' }, state: 'accepted', accepted_by: { id: OFFICER.id, name: OFFICER.name }, accepted_at: minutesAgo(2), actions: ['undo', 'arrive', 'resolve', 'false_alarm', 'release', 'note'] });
