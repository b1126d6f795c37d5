// What several screens need to be brought about.

export const front = (page) => page.locator('dialog.alarm');
export const live = (page) => page.locator('[data-phase=live]').first();
export const button = (page, zh, en) => page.getByRole('button', { name: new RegExp(`^(${zh}|${en})`) });

/** Buttons that come up by themselves ignore the first moment, see settled.ts. */
const SETTLE_MS = 700;
export const settle = (page) => page.waitForTimeout(SETTLE_MS);

export async function setAside(page) {
  await front(page).waitFor();
  await settle(page);
  await button(page, '先放一放', 'Set aside').click();
}

export const scrollTo = (page, selector, block = 'start') =>
  page.locator(selector).evaluate((element, where) => element.scrollIntoView({ block: where }), block);
export const scrollDown = (page, selector = 'main') => page.locator(selector).evaluate((element) => element.scrollTo(0, element.scrollHeight));

/** What cannot be taken back is pressed twice from the keyboard. */
export async function pressTwice(page, found) {
  await found.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
}

/** The picture on a plan is there. */
export const planDrawn = (page) => page.locator('.plan img').evaluate((image) => image.decode().then(() => image.scrollIntoView({ block: 'center' })));

/** Who is away is shown after the PIN. */
export async function absences(page) {
  await button(page, '查看名单', 'Show the list').click();
  await page.getByLabel('PIN').fill('5050');
  await button(page, '解锁', 'Unlock').click();
  await page.locator('[data-absences=shown] li').first().waitFor();
}

/** The sheet in which one absence is entered. */
export async function entering(page) {
  await absences(page);
  await page.locator('[data-home="1/1/201"] button').click();
  await page.getByRole('button', { name: /^3 (天|d)$/ }).click();
}

/** Another sheet of an alarm's details. */
export async function sheet(page, zh, en) {
  await button(page, '其他操作', 'Other actions').click();
  await page.locator('dialog.sheet[open]').waitFor();
  if (zh) await page.locator('dialog.sheet').getByRole('button', { name: new RegExp(`^(${zh}|${en})`) }).click();
}

/** An answer that the mock would not give. */
export const answering = (page, path, status, json) => page.route(path, (route) => route.fulfill({ status, json }));
