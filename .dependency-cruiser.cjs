/** The layers of the system. The comment of each rule gives its reason. */
const tests = '\\.test\\.ts$|^infra/dev/';
const plumbing = 'infra/(runtime|postgres|rabbitmq|messaging|temporal|http|metrics)/';
const sandboxed = 'workflows/(order-lifecycle\\.ts|contract/|lifecycle/)';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other should be one file, or share a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'services-are-strangers',
      comment: 'The services share a wire contract and a workflow, but never code or a database.',
      severity: 'error',
      from: { path: '^(order-api|processor)/', pathNot: tests },
      to: { path: '^(order-api|processor)/', pathNot: '^$1/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain depends on nothing but exact decimals.',
      severity: 'error',
      from: { path: '^(order-api|processor)/domain/', pathNot: tests },
      to: { pathNot: ['^$1/domain/', '^node_modules/decimal\\.js/'] },
    },
    {
      name: 'application-knows-ports-only',
      comment: 'Use cases see the domain, their ports, and only the plumbing that is independent of any technology.',
      severity: 'error',
      from: { path: '^(order-api|processor)/application/', pathNot: tests },
      to: { pathNot: ['^$1/(application|domain)/', '^infra/runtime/'] },
    },
    {
      name: 'infrastructure-below-main',
      comment: 'Only the composition root knows the configuration and every part of a service.',
      severity: 'error',
      from: { path: '^(order-api|processor)/(domain|application|infrastructure)/', pathNot: tests },
      to: { path: '^$1/(main|config)\\.ts$' },
    },
    {
      name: 'workflows-import-nobody-above',
      comment: 'The workflow declares the activities that it needs, and the services implement them.',
      severity: 'error',
      from: { path: '^workflows/', pathNot: tests },
      to: { path: '^(order-api|processor|infra/operations)/' },
    },
    {
      name: 'workflow-code-is-deterministic',
      comment: 'Workflow code is replayed, so it uses only the workflow API and its own files, and no Node built-ins.',
      severity: 'error',
      from: { path: `^${sandboxed}`, pathNot: tests },
      to: {
        pathNot: [`^${sandboxed}`, '^node_modules/@temporalio/(workflow|common)/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'plumbing-knows-no-business',
      comment: 'The plumbing under infra must be able to carry any other events just as well.',
      severity: 'error',
      from: { path: `^${plumbing}`, pathNot: tests },
      to: { path: '^(order-api|processor|workflows|infra/operations)/' },
    },
    {
      name: 'runtime-is-the-ground-floor',
      comment: 'Everything else depends on infra/runtime, so it depends on no other part of this repository.',
      severity: 'error',
      from: { path: '^infra/runtime/', pathNot: tests },
      to: { path: '^(order-api|processor|workflows|infra)/', pathNot: '^infra/runtime/' },
    },
    {
      name: 'services-run-without-operations',
      comment: 'Operations access the services from outside.',
      severity: 'error',
      from: { path: '^(order-api|processor)/', pathNot: tests },
      to: { path: '^infra/operations/' },
    },
    {
      name: 'nothing-that-ships-imports-dev',
      comment: "The code under infra/dev exists only on a developer's machine.",
      severity: 'error',
      from: { path: '^(order-api|processor|workflows|infra)/', pathNot: tests },
      to: { path: '^infra/dev/' },
    },
    {
      name: 'no-dev-dependencies-in-production',
      comment: 'A package that only developers install is missing in production.',
      severity: 'error',
      from: { path: '^(order-api|processor|workflows|infra)/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'types'] },
  },
};
