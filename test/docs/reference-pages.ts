import { schemaText } from "#cli/run-schema.ts";
import { apiPage } from "./api-page.ts";
import { cliPage } from "./cli-page.ts";
import { documentPage } from "./document-page.ts";
import { failuresPage } from "./failures-page.ts";
import { metricsPage } from "./metrics-page.ts";

/** The generated pages by their path from the project folder. */
export async function referencePages(): Promise<Readonly<Record<string, string>>> {
  return {
    "director.schema.json": schemaText(),
    "docs/reference/api.md": await apiPage(),
    "docs/reference/cli.md": cliPage(),
    "docs/reference/document.md": documentPage(),
    "docs/reference/failures.md": failuresPage(),
    "docs/reference/metrics.md": metricsPage(),
  };
}
