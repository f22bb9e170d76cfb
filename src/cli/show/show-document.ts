import type { JsonMap } from "#model/json.ts";
import { yamlText } from "#cli/exported-text.ts";
import type { ShowView } from "./show-kind.ts";

export const showDocument: ShowView<JsonMap> = {
  path: () => "/v1/document",
  text: (document) =>
    Object.keys(document).length === 0 ? "The document is empty.\n" : yamlText(document),
};
