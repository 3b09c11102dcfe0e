// Where in a rich text editor the writer writes. Comments of Markdown would be seen there, so it is told by the blocks around:
// an editor keeps the elements of what did not change.

export class RichRegion {
  readonly #dom: HTMLElement
  /** The block above, null at the top. */
  #above: Element | null
  /** The block below, null at the bottom. */
  #below: Element | null
  /** The last of it, once a person may put something below. */
  #last: Element | null = null

  constructor(dom: HTMLElement, above: Element | null, below: Element | null) {
    this.#dom = dom
    this.#above = above
    this.#below = below
  }

  /** Below all that stands there: empty lines at the end are the writer's. */
  static below(dom: HTMLElement): RichRegion {
    let above = dom.lastElementChild
    while (above !== null && isEmptyParagraph(above)) above = above.previousElementSibling
    return new RichRegion(dom, above, null)
  }

  /** To write there once more; null where its place is gone. */
  again(): RichRegion | null {
    return this.isThere() && this.text() !== '' ? this : null
  }

  /** From now on what comes below its last block is not the writer's. */
  close(): void {
    this.#last ??= this.nodes().at(-1) ?? null
  }

  /** From now on all that comes before what is below now is the writer's. */
  open(): void {
    if (this.#last !== null) this.#below = this.#last.nextElementSibling
    this.#last = null
  }

  /** Whether what stood around it still does. */
  isThere(): boolean {
    return [this.#above, this.#below, this.#last].every((one) => one === null || one.parentElement === this.#dom)
  }

  nodes(): Element[] {
    const nodes: Element[] = []
    let one = this.#above === null ? this.#dom.firstElementChild : this.#above.nextElementSibling
    for (; one !== null && one !== this.#below; one = one.nextElementSibling) {
      nodes.push(one)
      if (one === this.#last) break
    }
    return nodes
  }

  last(): Element | null {
    return this.nodes().at(-1) ?? this.#above
  }

  text(): string {
    return textOf(this.nodes())
  }

  /** All of it; the end of what stands above where there is nothing. */
  range(): Range {
    const range = this.#dom.ownerDocument.createRange()
    const nodes = this.nodes()
    const [first, last] = [nodes[0], nodes.at(-1)]
    if (first === undefined || last === undefined) {
      range.selectNodeContents(this.#above ?? this.#dom)
      range.collapse()
    } else {
      range.setStart(first, 0)
      range.setEnd(last, last.childNodes.length)
    }
    return range
  }

  /** Do what may give what stands around it other elements, and as many as before. */
  keep(act: () => void): void {
    const { children } = this.#dom
    const above = this.#above === null ? 0 : Array.prototype.indexOf.call(children, this.#above) + 1
    const below = this.#below === null ? 0 : children.length - Array.prototype.indexOf.call(children, this.#below)
    act()
    this.#above = children[above - 1] ?? null
    this.#below = below === 0 ? null : (children[children.length - below] ?? null)
  }

  put(block: Element): void {
    this.#dom.insertBefore(block, this.#below)
  }
}

/** A line with nothing in it but what an editor puts there to make it a line. */
export function isEmptyParagraph(element: Element): boolean {
  return element.localName === 'p' && element.textContent === '' && element.querySelector(':not(br)') === null
}

/** What is read in them, without lines that have nothing. */
export function textOf(blocks: Iterable<Element>, between = '\n'): string {
  return Array.from(blocks, (block) => block.textContent?.trim() ?? '')
    .filter((text) => text !== '')
    .join(between)
}

/** As HTML that says what the text says, and nothing of it is markup. */
export function paragraphsOf(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${paragraph.replaceAll('\n', '<br>')}</p>`)
    .join('')
}
