export default (url) => {
  window.seen = ''
  longwire.patch()
  window.source = new EventSource(url)
  source.onmessage = ({ data }) => {
    seen += data
  }
}
