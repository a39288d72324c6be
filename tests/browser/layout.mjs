// What can be measured of a page: nothing sticks out, fingers hit what they aim at, eyes can read it, every field has a name.

/** Faults of the page as it is shown now, each in words. Runs inside the page. */
function faultsOfPage({ lang, smallestPx }) {
  const faults = [];
  const name = (element) => `<${element.tagName.toLowerCase()}> "${(element.innerText || element.name || "").trim().slice(0, 40)}"`;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`is ${root.scrollWidth} px wide`);
  }
  if (root.lang !== lang) {
    faults.push(`says its language is ${root.lang}`);
  }
  if (document.querySelectorAll("h1").length !== 1) {
    faults.push(`has ${document.querySelectorAll("h1").length} headlines`);
  }
  if (document.scripts.length > 0) {
    faults.push("has a script");
  }
  for (const control of document.querySelectorAll("a[href], button, input:not([type=hidden])")) {
    // A radio button is hit through its label.
    const target = (control.type === "radio" && control.closest("label")) || control;
    const { height, left, right } = target.getBoundingClientRect();
    if (height < smallestPx - 0.5) {
      faults.push(`${name(target)} is ${height} px high`);
    }
    if (left < 0 || right > root.clientWidth + 0.5) {
      faults.push(`${name(target)} sticks out`);
    }
    if (control.matches("input") && !control.labels.length) {
      faults.push(`${name(control)} has no label`);
    }
    if (control.matches("[type=tel], [type=text]") && parseFloat(getComputedStyle(control).fontSize) < 16) {
      faults.push(`${name(control)} has letters below 16 px: phones zoom in on it`);
    }
  }

  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = rgb(color).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((rgb(color)[3] ?? 1) > 0) {
        return color;
      }
    }
    return "rgb(255, 255, 255)";
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.getClientRects().length) {
      continue;
    }
    const style = getComputedStyle(element);
    const [one, other] = [light(style.color), light(behind(element))].sort((a, b) => b - a);
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < (isLarge ? 3 : 4.5)) {
      faults.push(`${name(element)} has a contrast of ${contrast.toFixed(2)}`);
    }
  }
  return faults;
}

/** Measures a page in the size and colours that it has now. */
export function faults(page, lang) {
  return page.evaluate(faultsOfPage, { lang, smallestPx: 44 });
}
