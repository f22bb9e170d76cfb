import { describeFaults } from "../fixtures/describe-faults.ts";

describeFaults("all");
