/** Whether `npm run test:long` runs this file. */
export const isLongRun = process.env["TLSD_TEST_LONG"] === "1";

/** The size of a scenario in a file that ends in `.scaled.test.ts`: whole in a long run, a tenth or less in `npm test`. */
export const sized = <Size>(long: Size, short: Size): Size => (isLongRun ? long : short);
