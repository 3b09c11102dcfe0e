/** As a sentence among others: the host's texts begin small and have no stop, since they also stand in lines of a list. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`.replace(/([.!?…])\.$/, '$1')
}
