/** The schemes and hosts of addresses that are separated by commas. */
export function shownAddress(addresses: string): string {
  return addresses
    .split(",")
    .map((one) => one.trim())
    .map((one) => (URL.canParse(one) ? `${new URL(one).protocol}//${new URL(one).host}` : "?"))
    .join(", ");
}
