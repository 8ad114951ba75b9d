const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?):([0-9]{1,5})$/
const LAST_PORT = 65_535

/** Whether a text is the address of a broker: `host:port`, with an IPv6 address in brackets. */
export function isBrokerAddress(text: string): boolean {
  const found = ADDRESS.exec(text)
  if (found === null) return false
  const [, ip, port] = found
  return Number(port) >= 1 && Number(port) <= LAST_PORT && (ip === undefined || URL.canParse(`http://[${ip}]`))
}
