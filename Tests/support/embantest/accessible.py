"""Checks of accessibility that a machine can make, after the rules of axe-core and WCAG 2.2: run in a page or frame, through its shadow roots."""

from __future__ import annotations

import time

from embantest.steady import PATIENCE
from playwright.sync_api import Frame, Page

#: Everything below a root, shadow roots included, with what is needed of each element.
WALK = """
  const roots = [document];
  const every = [];
  for (const root of roots) for (const element of root.querySelectorAll('*')) {
    every.push(element);
    if (element.shadowRoot) roots.push(element.shadowRoot);
  }
  const up = (element) => element.parentElement ?? (element.getRootNode() instanceof ShadowRoot ? element.getRootNode().host : null);
  const chain = function* (element) { for (let at = element; at; at = up(at)) yield at; };
  const shown = (element) => element.checkVisibility({ checkVisibilityCSS: true }) && ![...chain(element)].some((at) => at.inert);
  const exposed = (element) => shown(element) && ![...chain(element)].some((at) => at.getAttribute('aria-hidden') === 'true');
  const inside = (element) => [...chain(element)].some((at) => at.shadowRoot) || element.getRootNode() instanceof ShadowRoot;
  const own = window.embanWhole ? every.filter((element) => element.closest('body') || element.getRootNode() instanceof ShadowRoot)
    : every.filter((element) => element.getRootNode() instanceof ShadowRoot || element instanceof HTMLIFrameElement);
  const where = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''} "${(element.textContent ?? '').trim().slice(0, 30)}"`;
"""

RULES = WALK + """
  const found = [];
  const say = (rule, element, more = '') => found.push(`${rule}: ${where(element)} ${more}`);
  const byId = (element, id) => element.getRootNode().getElementById(id);
  const focusable = (element) => element.matches('a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex]:not([tabindex="-1"])');
  const ROLES = new Set(`alert alertdialog application article banner button cell checkbox columnheader combobox complementary contentinfo definition dialog document feed figure form
    grid gridcell group heading img image link list listbox listitem log main marquee math menu menubar menuitem menuitemcheckbox menuitemradio navigation none note option presentation
    progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status switch tab table tablist tabpanel term textbox timer toolbar
    tooltip tree treegrid treeitem meter`.split(/\\s+/));
  const TOKENS = { 'aria-expanded': 'true false', 'aria-pressed': 'true false mixed', 'aria-selected': 'true false', 'aria-checked': 'true false mixed', 'aria-busy': 'true false',
    'aria-hidden': 'true false', 'aria-disabled': 'true false', 'aria-invalid': 'true false grammar spelling', 'aria-modal': 'true false', 'aria-multiselectable': 'true false',
    'aria-sort': 'none ascending descending other', 'aria-live': 'off polite assertive', 'aria-haspopup': 'true false menu listbox tree grid dialog', 'aria-atomic': 'true false',
    'aria-current': 'true false page step location date time', 'aria-orientation': 'horizontal vertical', 'aria-autocomplete': 'inline list both none' };
  const WITHIN = { option: 'listbox', tab: 'tablist', menuitem: 'menu, menubar', menuitemcheckbox: 'menu', menuitemradio: 'menu', listitem: 'list', row: 'table, grid, rowgroup' };
  const HOLDS = { listbox: 'option', tablist: 'tab', menu: 'menuitem, menuitemcheckbox, menuitemradio', radiogroup: 'radio', list: 'listitem' };
  const NATIVE = { option: 'option', radio: 'input[type=radio]', listitem: 'li', listbox: 'select', table: 'table', rowgroup: 'tbody, thead', list: 'ul, ol' };
  const selector = (roles) => roles.split(', ').map((role) => `[role=${role}]${NATIVE[role] ? ', ' + NATIVE[role] : ''}`).join(', ');
  const nameOf = (element) => {
    const by = (element.getAttribute('aria-labelledby') ?? '').split(/\\s+/).filter(Boolean).map((id) => byId(element, id)?.textContent ?? '').join(' ').trim();
    const labels = element.labels ? [...element.labels].map((label) => label.textContent).join(' ').trim() : '';
    const text = [...element.querySelectorAll('img')].map((img) => img.alt).join(' ') + ' ' + element.textContent;
    return by || element.getAttribute('aria-label')?.trim() || labels || (element.matches('input, select, textarea') ? '' : text.trim()) || element.getAttribute('title')?.trim() || '';
  };
  for (const root of roots) {
    const ids = [...root.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(`duplicate-id: ${id}`);
  }
  for (const element of own) {
    if (!shown(element)) continue;
    const role = element.getAttribute('role');
    if (role !== null && !ROLES.has(role)) say('aria-roles', element, role);
    for (const [name, values] of Object.entries(TOKENS)) {
      const value = element.getAttribute(name);
      if (value !== null && !values.split(' ').includes(value)) say('aria-valid-attr-value', element, `${name}=${value}`);
    }
    for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'aria-owns', 'aria-activedescendant']) {
      // What a closed popup would hold need not be there yet.
      if (name === 'aria-controls' && element.getAttribute('aria-expanded') === 'false') continue;
      for (const id of (element.getAttribute(name) ?? '').split(/\\s+/).filter(Boolean)) if (!byId(element, id)) say('aria-idref', element, `${name}=${id}`);
    }
    if (element.tabIndex > 0) say('tabindex', element);
    if (focusable(element) && [...chain(element)].some((at) => at.getAttribute('aria-hidden') === 'true')) say('aria-hidden-focus', element);
    if (!exposed(element)) continue;
    if ((focusable(element) || ['dialog', 'region', 'group', 'radiogroup', 'listbox', 'tablist', 'menu', 'progressbar', 'img', 'image', 'toolbar'].includes(role)
      || element.matches('dialog, fieldset:not(:has(legend))')) && nameOf(element) === '') say('name', element, role ?? '');
    if (element.matches('img:not([alt]), area:not([alt])')) say('image-alt', element);
    if (element instanceof HTMLIFrameElement && !element.title) say('frame-title', element);
    if (focusable(element) && up(element)?.closest('button, a[href], [role=button], [role=option], [role=menuitem]')) say('nested-interactive', element);
    const native = element.localName;
    if (role && WITHIN[role] && !up(element)?.closest(selector(WITHIN[role]))) say('aria-required-parent', element, role);
    if (role && HOLDS[role] && element.getAttribute('aria-busy') !== 'true' && !element.querySelector(selector(HOLDS[role]))) say('aria-required-children', element, role);
    if (role === 'progressbar' && !(Number(element.getAttribute('aria-valuenow')) >= 0)) say('aria-required-attr', element);
    if (role === 'combobox' && !element.hasAttribute('aria-expanded')) say('aria-required-attr', element);
    if (native === 'li' && !element.parentElement?.matches('ul, ol, menu, [role=list]')) say('listitem', element);
    if (/^(ul|ol)$/.test(native) && [...element.children].some((child) => !child.matches('li, script, template'))) say('list', element);
    if (native === 'th' && !element.scope) say('scope-attr-valid', element);
    if (native === 'table' && !element.querySelector('th')) say('table-headers', element);
    // The visible words of a control are part of its name: who speaks to the machine says what stands there.
    if (element.matches('button, a[href]') && element.getAttribute('aria-label')) {
      const words = [...element.querySelectorAll('*')].concat(element).flatMap((one) => [...one.childNodes]).filter((node) => node.nodeType === 3 && !node.parentElement.closest('.sr, svg'))
        .map((node) => node.data.trim()).filter(Boolean).join(' ').toLowerCase();
      if (words && !element.getAttribute('aria-label').toLowerCase().includes(words)) say('label-content-name-mismatch', element, element.getAttribute('aria-label'));
    }
    // Targets of at least 24 by 24 pixels, or as far from the next one (WCAG 2.2, 2.5.8). Text in a line, and fields, are as they are.
    if (focusable(element) && element.matches('button, a[href], [role=button], input[type=checkbox]:not(.sr), summary')) {
      const box = element.getBoundingClientRect();
      const middle = [box.left + box.width / 2, box.top + box.height / 2];
      const crowded = () => targets.some((other) => {
        if (other === element || other.contains(element) || element.contains(other)) return false;
        const near = other.getBoundingClientRect();
        const dx = Math.max(near.left - middle[0], 0, middle[0] - near.right);
        const dy = Math.max(near.top - middle[1], 0, middle[1] - near.bottom);
        return near.width > 0 && Math.hypot(dx, dy) < 12;
      });
      const targets = own.filter((one) => focusable(one) && shown(one) && one.matches('button, a[href], [role=button], input:not(.sr), select'));
      if (box.width > 0 && (box.width < 24 || box.height < 24) && crowded()) say('target-size', element, `${Math.round(box.width)}x${Math.round(box.height)}`);
    }
    // What scrolls can be reached by the keyboard.
    const style = getComputedStyle(element);
    const scrolls = (/auto|scroll/.test(style.overflowY) && element.scrollHeight > element.clientHeight + 1) || (/auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1);
    if (scrolls && element.tabIndex < 0 && !element.querySelector('button, a[href], input, select, [tabindex="0"]')) say('scrollable-region-focusable', element);
  }
  const levels = own.filter((element) => exposed(element) && /^h[1-6]$/.test(element.localName)).map((element) => Number(element.localName[1]));
  levels.forEach((level, index) => { if (index > 0 && level > levels[index - 1] + 1) found.push(`heading-order: ${levels}`); });
  if (!document.documentElement.lang) found.push('html-has-lang');
  if (!document.title) found.push('document-title');
  return { found, looked: own.length };
"""

#: Contrast of every visible text with what is painted behind it, after WCAG 2; large text has its own limit.
CONTRAST = WALK + """
  const read = (text) => {
    const call = /^(rgba?|color)\\((?:srgb )?([^)]+)\\)$/.exec(text);
    if (!call) return text === 'transparent' ? [0, 0, 0, 0] : null;
    const parts = call[2].split(/[\\s,/]+/).map(Number);
    const scale = call[1] === 'color' ? 255 : 1;
    return [parts[0] * scale, parts[1] * scale, parts[2] * scale, parts[3] ?? 1];
  };
  const over = (top, under) => {
    const alpha = top[3] + under[3] * (1 - top[3]);
    if (alpha === 0) return [0, 0, 0, 0];
    return [0, 1, 2].map((index) => (top[index] * top[3] + under[index] * under[3] * (1 - top[3])) / alpha).concat(alpha);
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    let color = [0, 0, 0, 0];
    for (const at of chain(element)) {
      color = over(color, read(getComputedStyle(at).backgroundColor) ?? [0, 0, 0, 0]);
      // The bar of a list lies behind its label, as a sibling.
      const bar = at.classList?.contains('list-label') ? at.parentElement.querySelector('.list-bar') : null;
      if (bar) color = over(color, read(getComputedStyle(bar).backgroundColor));
    }
    return over(color, [255, 255, 255, 1]);
  };
  const found = [];
  let looked = 0;
  for (const element of own) {
    const text = Array.from(element.childNodes).filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
    if (text === '' || element.closest('.sr, option, .tip-box, [hidden], [aria-disabled="true"], :disabled, [aria-pressed="false"].legend-item')) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || style.visibility === 'hidden') continue;
    const painted = element instanceof SVGElement ? style.fill : style.color;
    let color = read(painted);
    if (!color) { found.push(`${text}: cannot read ${painted}`); continue; }
    let opacity = 1;
    for (const at of chain(element)) opacity *= Number(getComputedStyle(at).opacity);
    const ground = behind(element);
    color = over([color[0], color[1], color[2], color[3] * opacity], ground);
    const [light, dark] = [luminance(color), luminance(ground)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    looked += 1;
    if (ratio < needed) found.push(`${ratio.toFixed(2)} "${text.slice(0, 40)}" ${element.getAttribute('class') ?? element.tagName} ${painted} on ${ground.map(Math.round)}`);
  }
  return { found, looked };
"""


def _violations(place: Page | Frame, script: str, least: int, whole: bool) -> list[str]:
    """What stays so: while something fades in or out its colours are others."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = place.evaluate(f"() => {{ window.embanWhole = {'true' if whole else 'false'}; {script} }}")
        assert result["looked"] >= least, f"only {result['looked']} elements were looked at"
        if not result["found"] or time.monotonic() > deadline:
            return result["found"]
        place.wait_for_timeout(50)


def violations(place: Page | Frame, whole: bool = False) -> list[str]:
    """Rule and element of each violation; the page's own markup around embeds is not looked at unless it is to be `whole`, but the frames in it are."""
    return _violations(place, RULES, 1, whole)


def poor_contrast(place: Page | Frame, least: int = 5, whole: bool = False) -> list[str]:
    return _violations(place, CONTRAST, least, whole)
