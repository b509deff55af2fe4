/** Models behind one provider that speaks OpenAI's format at `url`, for gateways of tests. */
export function modelsAt(url) {
  return {
    async complete({ messages, signal }) {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'stub', messages }),
        signal,
      });
      if (!response.ok)
        throw new Error(`All AI providers failed. Last error: stub answers ${response.status}`);
      const { choices } = await response.json();
      return { text: choices[0].message.content, provider: 'stub', model: 'stub' };
    },
  };
}
