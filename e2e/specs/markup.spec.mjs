// The HTML that the server sends, read by a validator that is not ours: html-validate with all of its recommended rules.
import assert from "node:assert/strict";
import { HtmlValidate, StaticConfigLoader } from "html-validate";
import { walks } from "../pages.mjs";

const validator = new HtmlValidate(new StaticConfigLoader({ root: true, extends: ["html-validate:recommended"] }));

const findings = async (name, html) => {
  const report = await validator.validateString(html, name);
  return report.results.flatMap((result) => result.messages.map((one) => `${name}:${one.line}:${one.column} ${one.ruleId}: ${one.message}: ${html.split("\n")[one.line - 1].slice(Math.max(0, one.column - 20), one.column + 80)}`));
};

export const tests = Object.fromEntries(
  Object.entries(walks).map(([who, walk]) => [
    `every page that ${who} meets is HTML without a finding`,
    async ({ narrow, person }) => {
      const all = [];
      await walk({ narrow, person }, async (_, name, html) => all.push(...(await findings(name, html))));
        assert.deepEqual(all, []);
    },
  ]),
);
