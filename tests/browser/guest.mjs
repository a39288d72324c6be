// A guest with a phone and a device, in front of a captive page. No page gets scripts: these are the pages as they must work.

const LIMIT_MS = 30_000;

/** One of ten thousand guests, each with a phone and a device. The first has the phone 0712 345 678. */
export function guest(number) {
  const digits = String(712_345_678 + number);
  const [high, low] = [number >> 8, number & 255];
  const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");
  return {
    typed: `0${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}`,
    phone: `254${digits}`,
    mac: `AA:BB:CC:07:${hex(high)}:${hex(low)}`,
    ip: `10.7.${high}.${low}`,
  };
}

/** Opens a context without scripts; `shape` may add to it. */
export async function captiveContext(browser, shape = {}) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, ...shape });
  context.setDefaultTimeout(LIMIT_MS);
  return context;
}

/** The address that a router sends a device to. */
export function captiveAddress(place, { mac, ip }, { login, wanted }) {
  const told = new URLSearchParams({ mac, ip, "link-login-only": login, "link-orig": wanted, lang: "en" });
  return `${place.url}/hotspot/${place.router}?${told}`;
}

/** Picks the first plan, types the phone and sends the form; ends on the page of the purchase, whose address it gives. */
export async function buy(page, { typed }) {
  const plan = page.locator("label.plan").first();
  await plan.click();
  await page.getByLabel("Your M-Pesa number").fill(typed);
  await page.getByRole("button", { name: "Pay with M-Pesa" }).click();
  await page.waitForURL("**/purchase/**");
  return page.url();
}

/** The id of the purchase in an address. */
export function sessionId(address) {
  return new URL(address).pathname.split("/").at(-1);
}

/** Waits until the page, by itself, says this; the sentence of a failure says what it says instead. */
export async function says(page, title) {
  try {
    await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
  } catch {
    const instead = await page.locator("h1").allInnerTexts();
    throw new Error(`the page does not say "${title}" within ${LIMIT_MS / 1000} s but "${instead}" at ${page.url()}`);
  }
}

/** Fails with the sentence unless the thing is true. */
export function must(truth, sentence) {
  if (!truth) {
    throw new Error(sentence);
  }
}
