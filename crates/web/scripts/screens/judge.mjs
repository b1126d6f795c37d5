// What is wrong with a screen that a machine can see.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Violations by axe, sideways scrolling, and what is too small for a thumb; one line each. */
export async function judged(page) {
  await page.evaluate(AXE);
  const { wide, small, violations } = await page.evaluate(look);
  return [
    ...wide.map((what) => `scrolls sideways: ${what}`),
    ...small.map((target) => `small target: ${target}`),
    ...violations.map(({ id, nodes }) => `axe ${id}: ${nodes.join('; ')}`),
  ];
}

/** In the page. Everything that can be tapped is at least 60 px high, at any text size. */
async function look() {
  // Tables and samples may; nothing that is read from top to bottom does.
  const wide = [document.documentElement, ...document.querySelectorAll('body *:not(.scroll, pre, textarea)')]
    .filter((element) => element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowY))
    .filter((element) => element.scrollWidth > element.clientWidth)
    .map((element) => `${element.tagName} by ${element.scrollWidth - element.clientWidth} px`);
  const small = [...document.querySelectorAll('button, a, summary, input:not([type=radio], [type=file])')]
    .map((element) => [element, element.getBoundingClientRect()])
    .filter(([, box]) => box.height > 0 && box.height < 60)
    .map(([element, box]) => `${element.tagName} ${element.textContent.trim().slice(0, 30)} ${Math.round(box.height)} px`);
  // eslint-disable-next-line no-undef
  const { violations } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  return {
    wide,
    small,
    violations: violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`) })),
  };
}
