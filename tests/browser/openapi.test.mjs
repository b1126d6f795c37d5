// The document of the API, against the rules of OpenAPI 3.1, against the routes of the real gateway, and against what it
// really answers; and the page made of it, looked at as phones and desks see it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { judged } from '../../crates/web/scripts/screens/judge.mjs';
import { Compound, cover, eventually, picture } from './support.mjs';

const METHODS = ['get', 'post', 'delete', 'put', 'patch'];

let compound;
let address;
let document;
let ajv;

before(async () => {
  compound = await Compound.start();
  address = `http://127.0.0.1:${compound.http}`;
  document = await (await fetch(`${address}/api/openapi.json`)).json();
  ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addFormat('uint', true).addFormat('uint8', true).addFormat('uint16', true).addFormat('uint32', true).addFormat('uint64', true);
  ajv.addFormat('int64', true).addFormat('float', true).addFormat('double', true);
  ajv.addSchema(document, 'api');
});

after(async () => compound?.stop());

const operations = () => Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, said]) => ({ path, method, said })));

/** What a pointer of the document says, as something that judges values. */
const judge = (...parts) => {
  const pointer = parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  return ajv.compile({ $ref: `api#/${pointer}` });
};

/** Is this what the document says of this answer? */
function fits(path, method, status, body) {
  const said = document.paths[path]?.[method]?.responses?.[status];
  assert.ok(said, `${method} ${path} answers ${status}, which the document does not know`);
  const check = judge('paths', path, method, 'responses', String(status), 'content', 'application/json', 'schema');
  assert.ok(check(body), `${method} ${path} ${status}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(body).slice(0, 600)}`);
}

test('it is a document by the rules of OpenAPI 3.1, which others are not', async () => {
  const judged = async (changed) => {
    const copy = structuredClone(document);
    changed(copy);
    return (await new Validator().validate(copy)).valid;
  };
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 1));
  assert.equal(document.openapi, '3.1.0');
  assert.equal(await judged((copy) => { delete copy.info.version; }), false, 'without a version');
  assert.equal(await judged((copy) => { copy.paths['/api/cmd'].post.parameters = [{ name: 'x' }]; }), false, 'half a parameter');
  assert.equal(await judged((copy) => { copy.paths['/api/cmd'].post.responses['200'] = { content: {} }; }), false, 'no description');
});

test('every example is what its schema says', () => {
  let count = 0;
  for (const { path, method, said } of operations()) {
    const contents = [
      [['requestBody'], said.requestBody],
      ...Object.entries(said.responses).map(([status, answer]) => [['responses', status], answer]),
    ];
    for (const [where, holder] of contents) {
      for (const [kind, content] of Object.entries(holder?.content ?? {})) {
        for (const [name, example] of Object.entries(content.examples ?? {})) {
          const check = judge('paths', path, method, ...where, 'content', kind, 'schema');
          assert.ok(check(example.value), `${method} ${path} ${where} ${name}: ${ajv.errorsText(check.errors)}`);
          count += 1;
        }
      }
    }
  }
  assert.ok(count > 100, `${count} examples`);
  const check = judge('paths', '/api/enrol', 'post', 'requestBody', 'content', 'application/json', 'schema');
  assert.equal(check({ name: 'a phone without a token' }), false, 'what is missing is noticed');
});

test('the gateway has each route that the document names, and those only', async () => {
  const fill = (path) => path.replaceAll(/\{(\w+)\}/g, (_, name) => (name === 'number' ? '0' : `no-${name}`));
  for (const [path, item] of Object.entries(document.paths)) {
    // Of the demo and of those who ask for it.
    if (path === '/metrics') continue;
    for (const method of METHODS) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(address + fill(path), { method: method.toUpperCase(), headers, body: method === 'get' ? undefined : '{}' });
      const text = await answer.text();
      const at = `${method} ${path}: ${answer.status} ${text.slice(0, 80)}`;
      if (item[method]) assert.ok(answer.status !== 405 && text !== 'not found', at);
      else assert.equal(answer.status, 405, at);
    }
  }
  for (const path of ['/api', '/api/nothing', '/api/admin', '/api/local/nothing', '/api/docs.js']) {
    const answer = await fetch(address + path);
    assert.equal(`${answer.status} ${await answer.text()}`, '404 not found', path);
  }
});

test('what the gateway answers is what the document says', async () => {
  const ready = await fetch(`${address}/readyz`);
  fits('/readyz', 'get', ready.status, await ready.json());
  const without = await fetch(`${address}/api/session`);
  fits('/api/session', 'get', without.status, await without.json());
  assert.equal(without.status, 401);

  const [page, admin] = [await compound.phone('wu'), await compound.phone('he')];
  const ask = (path, method = 'get', body = undefined) => (path.startsWith('/api/admin') ? admin : page).evaluate(async ([to, how, sent]) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(to, { method: how.toUpperCase(), headers, body: sent && JSON.stringify(sent) });
    const text = await answer.text();
    return { status: answer.status, body: text && JSON.parse(text) };
  }, [path, method, body]);
  const seen = async (template, path, method = 'get', body = undefined) => {
    const answer = await ask(path, method, body);
    if (answer.status === 204) assert.ok(document.paths[template][method].responses['204'], `${method} ${template}`);
    else fits(template, method, answer.status, answer.body);
    return answer;
  };

  cover(compound, 'cover-17', true);
  const alarm = await eventually('an alarm', async () => {
    return page.locator('[data-alarm]').first().getAttribute('data-alarm', { timeout: 100 });
  });
  const day = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
  const statuses = {};
  for (const [template, path, method, body] of [
    ['/api/session', '/api/session'],
    ['/api/duty', '/api/duty'],
    ['/api/works', '/api/works'],
    ['/api/absences', '/api/absences'],
    ['/api/places', '/api/places'],
    ['/api/history', `/api/history?day=${day}`],
    ['/api/history', '/api/history?day=never'],
    ['/api/alarms/{id}', `/api/alarms/${alarm}`],
    ['/api/alarms/{id}', '/api/alarms/al_none'],
    ['/api/alarms/{id}/resident', `/api/alarms/${alarm}/resident`],
    ['/api/evidence/{alarm}/{number}', `/api/evidence/${alarm}/0`],
    ['/api/cmd', '/api/cmd', 'post', { cid: 'o-1', op: 'accept', id: alarm }],
    ['/api/cmd', '/api/cmd', 'post', { cid: 'o-2', op: 'arrive', id: 'al_none' }],
    ['/api/cmd', '/api/cmd', 'post', { cid: 'o-3', op: 'dance', id: alarm }],
    ['/api/cmd', '/api/cmd', 'post', { cid: 'o-4', op: 'note', id: alarm, text: 'the lid is cracked' }],
    ['/api/receipt', '/api/receipt', 'post', { id: alarm, rev: 1, as: 'stored' }],
    ['/api/drill', '/api/drill', 'post', { cid: 'o-5' }],
    ['/api/ticket', '/api/ticket', 'post', {}],
    ['/api/push', '/api/push'],
    ['/api/pin', '/api/pin', 'post', { pin: '1111' }],
    ['/api/pin', '/api/pin', 'post', { pin: '490172' }],
    ['/api/pin/unlock', '/api/pin/unlock', 'post', { pin: '000001' }],
    ['/api/admin/overview', '/api/admin/overview'],
    ['/api/admin/history', `/api/admin/history?day=${day}`],
    ['/api/admin/figures', '/api/admin/figures?span=day'],
    ['/api/admin/figures', '/api/admin/figures?span=year'],
    ['/api/admin/sessions', '/api/admin/sessions'],
    ['/api/admin/reload', '/api/admin/reload', 'post', { why: 'to see' }],
    ['/api/admin/pin', '/api/admin/pin?officer=li', 'delete'],
    ['/api/plans/{name}', '/api/plans/none'],
    ['/api/notes/{source}', '/api/notes/nobody', 'post', {}],
    ['/api/cards/{card}', '/api/cards/none', 'post', {}],
  ]) {
    const answer = await seen(template, path, method, body);
    (statuses[template] ??= []).push(answer.status);
  }
  assert.deepEqual(statuses['/api/cmd'], [200, 404, 400, 200], 'both ends of it were seen');
  assert.deepEqual(statuses['/api/admin/overview'], [200], 'by an admin');
  for (const phone of [page, admin]) await phone.context().close();
});

test('the page can be read on a phone and at a desk, by day and by night, and runs nothing', async () => {
  for (const [name, viewport] of [['phone', { width: 360, height: 640 }], ['desk', { width: 1280, height: 800 }]]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await compound.browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      const said = [];
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', (error) => said.push(error.message));
      const answer = await page.goto(`${address}/api/docs`);
      assert.match(answer.headers()['content-security-policy'], /default-src 'self'/);
      assert.doesNotMatch(answer.headers()['content-security-policy'], /unsafe/);
      assert.equal(await page.locator('script').count(), 0);
      assert.equal(await page.locator('article[id]').count() > 60, true);
      const link = page.locator('nav a[href="#command"]');
      await page.locator('nav summary').click();
      await link.click();
      assert.match(page.url(), /#command$/);
      assert.ok(await page.locator('#command').isVisible());
      await picture(page, `openapi.${name}.${colorScheme}`);
      // Read at a desk: its links are lines of text, not buttons.
      const found = (await judged(page)).filter((line) => !line.startsWith('small target'));
      assert.deepEqual(found, [], `${name} ${colorScheme}`);
      assert.deepEqual(said, [], 'no complaint of the policy for contents');
      await context.close();
    }
  }
});
