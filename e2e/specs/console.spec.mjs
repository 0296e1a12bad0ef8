// The console by hand: an application is made and told what to do by keyboard alone and without JavaScript, and what cannot be
// taken is told where it stands.
import assert from "node:assert/strict";
import { listen, run } from "../demo.mjs";
import { led, logIn } from "../people.mjs";

export const tests = {
  "by keyboard alone, without JavaScript, an application is made and told to be modern": async ({ demo, person }) => {
    const page = await logIn(await person({ javaScriptEnabled: false }), demo, "cy");
    await page.goto(`${demo.url}/developers`);
    await page.getByRole("link", { name: "New application" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#name").focus();
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await page.getByText("I have copied it").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("link", { name: "Change settings" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("input[value=documented]").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByText("Saved.").waitFor();
    assert.ok(await page.locator("input[value=modern]").isChecked());
    assert.equal(await page.locator("#signature").inputValue(), "hmac");
  },

  "a value that cannot be taken is told where it stands, and the rest of the form is kept": async ({ demo, person }) => {
    const page = await logIn(await person(), demo, "cy");
    await page.goto(`${demo.url}/developers/new`);
    await page.fill("#name", "Refused values");
    await page.click("text=Make it");
    await page.click("text=I have copied it");
    await page.click("text=Change settings");
    await page.fill("#origins", "https://a.example/path");
    await page.fill("#allow_ip", "10.1.2.*");
    await page.getByRole("button", { name: "Save “Who may call and connect”" }).click();
    assert.match(await page.locator("#origins-wrong").textContent(), /write it as https:\/\/a\.example/);
    assert.equal(await page.locator("#origins").getAttribute("aria-invalid"), "true");
    assert.equal(await page.inputValue("#allow_ip"), "10.1.2.*");
    await led(page, () => page.getByRole("navigation", { name: "Application" }).getByRole("link", { name: "Overview" }).click());
    assert.ok((await page.textContent(".facts")).includes("no page can open a live connection"));
  },

  "one click makes a test application whose pasted commands deliver a live message, and one removes it": async ({ demo, person, shot }) => {
    const page = await logIn(await person(), demo, "cy");
    await page.goto(`${demo.url}/developers`);
    await page.getByRole("button", { name: "Begin test mode" }).click();
    await page.getByRole("heading", { name: "Keys for testing" }).waitFor();
    await shot(page, "console-test-keys");
    const [hears, send, publish] = await page.locator(".commands code").allTextContents();
    const link = await page.locator(".shownonce code", { hasText: "/login/once" }).last().textContent();
    const own = (command) => command.replace(/^crier /, `${demo.send.split(" call ")[0]} `);
    const listening = await listen({ listen: own(hears) });
    const sent = await run(own(send));
    assert.equal(sent.status, 0, sent.out + sent.err);
    await listening.until((frame) => frame.type === "message" && frame.raw === '{"text":"hi"}');
    const told = await run(own(publish));
    assert.equal(told.status, 0, told.out + told.err);
    const theo = await (await person()).newPage();
    await theo.goto(link);
    await theo.getByRole("button", { name: "Log in" }).click();
    await theo.getByText("A first story").first().waitFor();
    await page.goto(`${demo.url}/developers/test`);
    await page.getByRole("button", { name: "Remove all of it" }).click();
    await page.getByText("are gone").waitFor();
    await theo.goto(`${demo.url}/settings`);
    assert.ok(theo.url().includes("/login"), "the test person's login has ended");
  },
};
