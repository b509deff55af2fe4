// The pods that objects of Kubernetes ask for.

export const podOf = (object) => object.spec?.template?.spec;
export const hasPods = (object) => podOf(object)?.containers !== undefined;
export const containersOf = (object) => [
  ...(podOf(object).initContainers ?? []),
  ...podOf(object).containers,
];
