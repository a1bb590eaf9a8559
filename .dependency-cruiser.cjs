/** The walls of the house. Each rule says why it stands. */
const tests = '\\.test\\.ts$|^infra/dev/';
const plumbing = 'infra/(runtime|postgres|rabbitmq|messaging|temporal|http|metrics)/';
const sandboxed = 'workflows/(order-lifecycle\\.ts|contract/|lifecycle/)';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'services-are-strangers',
      comment: 'The services share a wire contract and a workflow, never code or a database.',
      severity: 'error',
      from: { path: '^(order-api|processor)/', pathNot: tests },
      to: { path: '^(order-api|processor)/', pathNot: '^$1/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'What an order is depends on nothing but exact decimals.',
      severity: 'error',
      from: { path: '^(order-api|processor)/domain/', pathNot: tests },
      to: { pathNot: ['^$1/domain/', '^node_modules/decimal\\.js/'] },
    },
    {
      name: 'application-knows-ports-only',
      comment: 'Use cases see the domain and their ports; of the plumbing only what knows no technology.',
      severity: 'error',
      from: { path: '^(order-api|processor)/application/', pathNot: tests },
      to: { pathNot: ['^$1/(application|domain)/', '^infra/runtime/'] },
    },
    {
      name: 'infrastructure-below-main',
      comment: 'Only the composition root knows everything.',
      severity: 'error',
      from: { path: '^(order-api|processor)/(domain|application|infrastructure)/', pathNot: tests },
      to: { path: '^$1/(main|config)\\.ts$' },
    },
    {
      name: 'workflows-import-nobody-above',
      comment: 'The workflow declares what it asks of the services, and they implement it.',
      severity: 'error',
      from: { path: '^workflows/', pathNot: tests },
      to: { path: '^(order-api|processor|infra/operations)/' },
    },
    {
      name: 'workflow-code-is-deterministic',
      comment: 'Workflow code is replayed: no Node built-ins, nothing but the workflow API and its own files.',
      severity: 'error',
      from: { path: `^${sandboxed}`, pathNot: tests },
      to: {
        pathNot: [`^${sandboxed}`, '^node_modules/@temporalio/(workflow|common)/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'plumbing-knows-no-business',
      comment: 'The plumbing under infra could carry any other events just as well.',
      severity: 'error',
      from: { path: `^${plumbing}`, pathNot: tests },
      to: { path: '^(order-api|processor|workflows|infra/operations)/' },
    },
    {
      name: 'runtime-is-the-ground-floor',
      comment: 'Everything stands on it, so it stands on nothing of ours.',
      severity: 'error',
      from: { path: '^infra/runtime/', pathNot: tests },
      to: { path: '^(order-api|processor|workflows|infra)/', pathNot: '^infra/runtime/' },
    },
    {
      name: 'services-run-without-operations',
      comment: 'Operations look at the services from outside.',
      severity: 'error',
      from: { path: '^(order-api|processor)/', pathNot: tests },
      to: { path: '^infra/operations/' },
    },
    {
      name: 'nothing-that-ships-imports-dev',
      comment: "What is under infra/dev exists on a developer's machine only.",
      severity: 'error',
      from: { path: '^(order-api|processor|workflows|infra)/', pathNot: tests },
      to: { path: '^infra/dev/' },
    },
    {
      name: 'no-dev-dependencies-in-production',
      comment: 'A package that only developers install is not there in production.',
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
