/**
 * What an answer of the control plane means: it was taken; the gateway is not known there; it is refused for what it is
 * (a wrong key, an address that is not accepted), which an operator has to mend; or it was not taken, and may be later.
 */
export type Verdict = 'taken' | 'forgotten' | 'refused' | 'later';

export function verdictOf(httpStatus: number): Verdict {
  if (httpStatus >= 200 && httpStatus < 300) return 'taken';
  if (httpStatus === 404) return 'forgotten';
  const isRefusal = httpStatus >= 400 && httpStatus < 500 && httpStatus !== 408 && httpStatus !== 429;
  return isRefusal ? 'refused' : 'later';
}

/** The settings that an operator looks at when the control plane answers so. */
export function settingsToMend(httpStatus: number): string {
  switch (httpStatus) {
    case 401:
    case 403:
      return "SKYNET_API_KEY is not the control plane's.";
    case 400:
    case 422:
      return 'It does not accept SKYNET_GATEWAY_PUBLIC_URL or SKYNET_GATEWAY_ID.';
    default:
      return 'SKYNET_ORCHESTRATOR_URL should be the address of a control plane.';
  }
}
