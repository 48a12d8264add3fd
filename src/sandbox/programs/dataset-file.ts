import { renderParquet } from './dataset-parquet.ts';

const conversations: readonly (readonly [question: string, answer: string])[] = [
  ['What is a node pool?', 'A set of machines of one size in a cluster, which are added and removed together.'],
  ['What does a taint do?', 'It keeps pods off a node unless they say that they tolerate it.'],
  ['Why are weights quantised for tuning?', 'In four bits a model takes a quarter of the memory, so that a smaller GPU is enough.'],
  ['What is an epoch?', 'One pass over all rows of the dataset.'],
  ['What is saved after tuning?', 'The adapter: two small matrices for each layer that was trained.'],
  ['How is an adapter used?', 'A server loads it beside the base model and offers it under its own name.'],
  ['What is a loss of zero a sign of?', 'That the model has learnt the data by heart.'],
  ['What ends a Job?', 'That enough of its pods succeeded, or that too many failed.'],
];

const rows = Array.from({ length: 64 }, (_, index) => {
  const [question, answer] = conversations[index % conversations.length] ?? ['', ''];
  return { messages: [{ role: 'user', content: question }, { role: 'assistant', content: answer }] };
});

/** The sandbox's own small dataset, in the format that the file's name promises. */
export const renderDataset = (name: string): Buffer => {
  if (name.includes('parquet')) return renderParquet('messages', rows.map(({ messages }) => JSON.stringify(messages)));
  if (name.includes('csv')) return Buffer.from(['prompt,completion', ...rows.map(({ messages }) => messages.map(({ content }) => `"${content}"`).join(','))].join('\n'));
  return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
};
