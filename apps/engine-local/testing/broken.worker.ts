throw new Error('This thread never becomes ready.');
