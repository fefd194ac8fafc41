// Elements from plain data. Text is only ever set as text, so nothing that the workspace says
// can become markup or a script.

const HANDLERS = Symbol("handlers");
const NOTHING = new Set([null, undefined, false, ""]);

/** An element; `on…` attributes are functions, `--…` ones set custom properties of its style. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  element[HANDLERS] = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) {
      element[name] = value;
      element[HANDLERS][name] = value;
    } else if (name.startsWith("--")) {
      element.style.setProperty(name, value);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => !NOTHING.has(child)).map(asNode));
  return element;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/**
 * Make `old` look like `fresh` with the fewest changes, so that a page which refreshes itself
 * keeps its focus, its scroll position, open details and what was typed.
 */
export function morph(old, fresh) {
  if (old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) {
    old.replaceWith(fresh);
  } else if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else {
    morphAttributes(old, fresh);
    morphChildren(old, fresh);
  }
}

function keyOf(node) {
  return node.dataset?.key;
}

// What belongs to the reader once it is shown.
const KEPT = new Set(["open", "value", "checked", "style"]);

function morphAttributes(old, fresh) {
  for (const name of old.getAttributeNames()) {
    if (!KEPT.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const name of fresh.getAttributeNames()) {
    const value = fresh.getAttribute(name);
    if (!KEPT.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  // What is chosen follows the address; what is typed is the reader's.
  if (old.type === "checkbox") old.checked = fresh.checked;
  if (old.style.cssText !== fresh.style.cssText) old.style.cssText = fresh.style.cssText;
  const before = old[HANDLERS] ?? {};
  const now = fresh[HANDLERS] ?? {};
  for (const name of Object.keys({ ...before, ...now })) old[name] = now[name] ?? null;
  old[HANDLERS] = now;
}

export function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((child, index) => {
    const key = keyOf(child);
    const found = key && [...old.children].find((each) => keyOf(each) === key);
    const present = old.childNodes[index];
    if (found && found !== present) old.insertBefore(found, present ?? null);
    const target = old.childNodes[index];
    if (target) morph(target, child);
    else old.append(child);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}
