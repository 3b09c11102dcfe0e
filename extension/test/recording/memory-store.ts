import type { KeptRecording, RecordingStore } from '../../src/recording/store'

/** A store that is gone with the test. */
export class MemoryStore implements RecordingStore {
  readonly recordings = new Map<string, KeptRecording>()
  readonly lines = new Map<string, string[]>()

  async all(): Promise<KeptRecording[]> {
    return [...this.recordings.values()]
  }

  async put(recording: KeptRecording, lines?: string): Promise<void> {
    this.recordings.set(recording.id, recording)
    if (lines !== undefined) this.lines.set(recording.id, [...(this.lines.get(recording.id) ?? []), lines])
  }

  async text(id: string): Promise<string> {
    return (this.lines.get(id) ?? []).join('')
  }

  async remove(id: string): Promise<void> {
    this.recordings.delete(id)
    this.lines.delete(id)
  }
}
