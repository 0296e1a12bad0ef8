// The HTML that the server sends, read by a validator that is not ours: html-validate with all of its recommended rules.
import { HtmlValidate, StaticConfigLoader } from "html-validate";

const validator = new HtmlValidate(new StaticConfigLoader({ root: true, extends: ["html-validate:recommended"] }));

/** What the validator finds in a page: where, which rule, and the text there. */
export const misspelt = async (name, html) => {
  const report = await validator.validateString(html, name);
  return report.results.flatMap((result) => result.messages.map((one) => `${name}:${one.line}:${one.column} ${one.ruleId}: ${one.message}: ${html.split("\n")[one.line - 1].slice(Math.max(0, one.column - 20), one.column + 80)}`));
};
