/** A reason why `caseload up` does not run that is written for the person in front of it; no stack trace helps. */
export class UpError extends Error {
  override readonly name = 'UpError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
